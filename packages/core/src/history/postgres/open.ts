import { HandleEmptyInListsPlugin, Kysely, replaceWithNoncontingentExpression } from 'kysely';
import type { JobHistory } from '../job-history.ts';
import type { HistorySchema } from '../schema.ts';
import { openSqlHistory, type SqlHistoryOptions } from '../sql-history.ts';
import { PooledPostgresDialect } from './dialect.ts';
import { POSTGRES_FLAVOUR } from './flavour.ts';
import type { PoolOptions } from './pool.ts';

export type PostgresOptions = PoolOptions & SqlHistoryOptions;

/** Opens the history in a database, its tables made if need be; several processes may share it. */
export async function openPostgresHistory(options: PostgresOptions): Promise<JobHistory> {
  return openSqlHistory(connectPostgres(options), POSTGRES_FLAVOUR, options);
}

export function connectPostgres(options: PoolOptions): Kysely<HistorySchema> {
  const plugins = [new HandleEmptyInListsPlugin({ strategy: replaceWithNoncontingentExpression })];
  return new Kysely<HistorySchema>({ dialect: new PooledPostgresDialect(options), plugins });
}
