import { Kysely } from 'kysely';
import type { JobHistory } from '../job-history.ts';
import type { HistorySchema } from '../schema.ts';
import { openSqlHistory } from '../sql-history.ts';
import type { SearchBounds } from '../sql-search.ts';
import { NodeSqliteDialect } from './dialect.ts';
import { SQLITE_FLAVOUR } from './flavour.ts';

/** Opens the history in a file, made or brought up to date if need be; several processes may share it. */
export async function openSqliteHistory({ file, searchBounds }: SqliteOptions): Promise<JobHistory> {
  const db = new Kysely<HistorySchema>({ dialect: new NodeSqliteDialect(file) });
  return openSqlHistory(db, SQLITE_FLAVOUR, searchBounds);
}

export interface SqliteOptions {
  readonly file: string;
  readonly searchBounds?: SearchBounds;
}
