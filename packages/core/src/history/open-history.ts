import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { JobHistory } from './job-history.ts';
import { type MigrationStatus, migrateToLatest, migrationStatus } from './migrations/migrate.ts';
import { POSTGRES_FLAVOUR } from './postgres/flavour.ts';
import { connectPostgres, openPostgresHistory } from './postgres/open.ts';
import { SQLITE_FLAVOUR } from './sqlite/flavour.ts';
import { connectSqlite, openSqliteHistory } from './sqlite/open.ts';

export interface DatabasePlace {
  /** `postgres://…`, `postgresql://…` or `sqlite:/path`; a file in `dataDir` when not given. */
  readonly databaseUrl: string | undefined;
  readonly dataDir: string;
}

export interface HistoryOptions extends DatabasePlace {
  /** Whether tables of an older program are brought up to date in PostgreSQL too; those in a file always are. */
  readonly migrate?: boolean;
  /** Told of faults of connections that no call is waiting for. */
  readonly onError: (error: Error) => void;
}

/** Opens the history where the configuration says it is. */
export async function openHistory({ migrate = false, onError, ...place }: HistoryOptions): Promise<JobHistory> {
  const url = postgresUrl(place);
  if (url !== undefined) return openPostgresHistory({ url, onError, migrate: migrate ? 'always' : 'when-empty' });
  return openSqliteHistory({ file: await fileOf(place) });
}

/** Brings the tables up to date, or only looks; answers with what was done by then. It may take as long as it likes. */
export async function migrateHistory(
  place: DatabasePlace,
  { isDryRun }: { readonly isDryRun: boolean },
): Promise<MigrationStatus> {
  const url = postgresUrl(place);
  const flavour = url === undefined ? SQLITE_FLAVOUR : POSTGRES_FLAVOUR;
  // 0 is no limit
  const patience = { statementTimeoutMs: 0, answerTimeoutMs: 0, onError: () => {} };
  const db = url === undefined ? connectSqlite(await fileOf(place)) : connectPostgres({ url, ...patience });
  try {
    if (!isDryRun) await migrateToLatest(db, flavour);
    return await migrationStatus(db, flavour);
  } finally {
    await db.destroy();
  }
}

function postgresUrl({ databaseUrl }: DatabasePlace): string | undefined {
  return databaseUrl !== undefined && /^postgres(?:ql)?:/.test(databaseUrl) ? databaseUrl : undefined;
}

async function fileOf({ databaseUrl, dataDir }: DatabasePlace): Promise<string> {
  const file = path.resolve(databaseUrl?.replace(/^sqlite:(?:\/\/)?/, '') ?? path.join(dataDir, 'history.sqlite'));
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  return file;
}
