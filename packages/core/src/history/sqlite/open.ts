import { Kysely } from 'kysely';
import type { JobHistory } from '../job-history.ts';
import type { HistorySchema } from '../schema.ts';
import { openSqlHistory, type SqlHistoryOptions } from '../sql-history.ts';
import { NodeSqliteDialect } from './dialect.ts';
import { SQLITE_FLAVOUR } from './flavour.ts';

export interface SqliteOptions extends SqlHistoryOptions {
  readonly file: string;
}

/** Opens the history in a file, made or brought up to date if need be; several processes may share it. */
export async function openSqliteHistory(options: SqliteOptions): Promise<JobHistory> {
  return openSqlHistory(connectSqlite(options.file), SQLITE_FLAVOUR, options);
}

export function connectSqlite(file: string): Kysely<HistorySchema> {
  return new Kysely<HistorySchema>({ dialect: new NodeSqliteDialect(file) });
}
