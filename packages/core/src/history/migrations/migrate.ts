import type { Kysely, Transaction } from 'kysely';
import { DEFAULT_MIGRATION_TABLE, type Migration, Migrator } from 'kysely/migration';
import type { HistorySchema } from '../schema.ts';
import type { ColumnTypes, SqlFlavour } from '../sql-flavour.ts';
import * as jobs from './0001-jobs.ts';
import * as results from './0002-results.ts';
import * as search from './0003-search.ts';
import * as deadLetters from './0004-dead-letters.ts';
import * as leases from './0005-leases.ts';
import * as cancellation from './0006-cancellation.ts';
import * as artifacts from './0007-artifacts.ts';
import * as bulk from './0008-bulk.ts';
import * as outbox from './0009-outbox.ts';

/** In order, never changed once released: a mistake is mended by another one. */
const MIGRATIONS: Readonly<Record<string, HistoryMigration>> = {
  '0001-jobs': jobs,
  '0002-results': results,
  '0003-search': search,
  '0004-dead-letters': deadLetters,
  '0005-leases': leases,
  '0006-cancellation': cancellation,
  '0007-artifacts': artifacts,
  '0008-bulk': bulk,
  '0009-outbox': outbox,
};

export const MIGRATION_NAMES: readonly string[] = Object.keys(MIGRATIONS);

interface HistoryMigration {
  up(db: Kysely<unknown>, types: ColumnTypes): Promise<void>;
}

export interface MigrationOptions {
  /** `when-empty`: tables of an older program are refused, as those of a newer one are. */
  readonly migrate?: 'always' | 'when-empty';
  /** How far to go. */
  readonly newest?: string;
}

/** Brings the tables to the newest form, or refuses those of a newer program; several processes may do so at once. */
export async function migrateToLatest(
  db: Kysely<HistorySchema>,
  flavour: SqlFlavour,
  options: MigrationOptions = {},
): Promise<void> {
  try {
    await flavour.transaction(db, (trx) => migrate(trx, flavour, options));
  } catch (cause) {
    throw new Error(`Cannot open the job history: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

/** What was done to the tables, and what is still to do. */
export interface MigrationStatus {
  readonly applied: readonly string[];
  readonly pending: readonly string[];
  /** Done by a newer program. */
  readonly unknown: readonly string[];
}

/** Looks, and changes nothing. */
export async function migrationStatus(db: Kysely<HistorySchema>, flavour: SqlFlavour): Promise<MigrationStatus> {
  return flavour.transaction(db, async (trx) => statusOf(trx, await flavour.beginMigration(trx)));
}

async function migrate(
  trx: Transaction<HistorySchema>,
  flavour: SqlFlavour,
  { migrate = 'always', newest = MIGRATION_NAMES.at(-1) ?? '' }: MigrationOptions,
): Promise<void> {
  const schema = await flavour.beginMigration(trx);
  const status = await statusOf(trx, schema);
  refuseNewer(status);
  if (migrate === 'when-empty') refuseOlder(status);
  const migrator = new Migrator({
    db: trx,
    provider: { getMigrations: async () => migrationsFor(flavour.columnTypes) },
    ...(schema !== undefined && { migrationTableSchema: schema }),
  });
  const { error } = await migrator.migrateTo(newest);
  // thrown, so that the transaction is undone
  if (error !== undefined) throw error;
}

function migrationsFor(types: ColumnTypes): Record<string, Migration> {
  return Object.fromEntries(
    Object.entries(MIGRATIONS).map(([name, { up }]) => [name, { up: (db: Kysely<unknown>) => up(db, types) }]),
  );
}

async function statusOf(trx: Transaction<HistorySchema>, schema: string | undefined): Promise<MigrationStatus> {
  const executed = await executedMigrations(trx, schema);
  return {
    applied: MIGRATION_NAMES.filter((name) => executed.includes(name)),
    pending: MIGRATION_NAMES.filter((name) => !executed.includes(name)),
    unknown: executed.filter((name) => !MIGRATION_NAMES.includes(name)),
  };
}

function refuseNewer({ unknown }: MigrationStatus): void {
  if (unknown.length === 0) return;
  throw new Error(
    `its tables are of a newer guestkit (${unknown.join(', ')}), expected none newer than ${MIGRATION_NAMES.at(-1)}: upgrade this program`,
  );
}

/** Other nodes may still run on them; when to change them is for an operator to say. */
function refuseOlder({ applied, pending }: MigrationStatus): void {
  if (applied.length === 0 || pending.length === 0) return;
  throw new Error(
    `its tables are of an older guestkit (without ${pending.join(', ')}), expected ${MIGRATION_NAMES.at(-1)}: stop the API nodes and run "guestkit-worker migrate", or start one with --migrate`,
  );
}

async function executedMigrations(
  trx: Transaction<HistorySchema>,
  schema: string | undefined,
): Promise<readonly string[]> {
  const tables = await trx.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some((table) => table.name === DEFAULT_MIGRATION_TABLE && table.schema === schema)) return [];
  const rows = await trx
    .withTables<{ readonly [DEFAULT_MIGRATION_TABLE]: { readonly name: string } }>()
    .selectFrom(DEFAULT_MIGRATION_TABLE)
    .select('name')
    .orderBy('name')
    .execute();
  return rows.map(({ name }) => name);
}
