import { Kysely } from 'kysely';
import type { JobHistory } from '../job-history.ts';
import type { HistorySchema } from '../schema.ts';
import { openSqlHistory } from '../sql-history.ts';
import { NodeSqliteDialect } from './dialect.ts';
import { SQLITE_FLAVOUR } from './flavour.ts';

/** Opens the history in a file, made or brought up to date if need be; several processes may share it. */
export async function openSqliteHistory({ file }: { readonly file: string }): Promise<JobHistory> {
  return openSqlHistory(new Kysely<HistorySchema>({ dialect: new NodeSqliteDialect(file) }), SQLITE_FLAVOUR);
}
