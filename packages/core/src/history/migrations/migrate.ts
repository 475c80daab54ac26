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
};

export const MIGRATION_NAMES: readonly string[] = Object.keys(MIGRATIONS);

interface HistoryMigration {
  up(db: Kysely<unknown>, types: ColumnTypes): Promise<void>;
}

/** Brings the tables to the newest form, or refuses those of a newer program; several processes may do so at once. */
export async function migrateToLatest(
  db: Kysely<HistorySchema>,
  flavour: SqlFlavour,
  newest = MIGRATION_NAMES.at(-1) ?? '',
): Promise<void> {
  try {
    await flavour.transaction(db, (trx) => migrate(trx, flavour, newest));
  } catch (cause) {
    throw new Error(`Cannot open the job history: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

async function migrate(trx: Transaction<HistorySchema>, flavour: SqlFlavour, newest: string): Promise<void> {
  const schema = await flavour.beginMigration(trx);
  await refuseNewer(trx, schema);
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

async function refuseNewer(trx: Transaction<HistorySchema>, schema: string | undefined): Promise<void> {
  const unknown = (await executedMigrations(trx, schema)).filter((name) => !(name in MIGRATIONS));
  const newest = MIGRATION_NAMES.at(-1);
  if (unknown.length > 0) {
    throw new Error(
      `its tables are of a newer guestkit (${unknown.join(', ')}), expected none newer than ${newest}: upgrade this program`,
    );
  }
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
