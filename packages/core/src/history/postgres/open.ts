import { HandleEmptyInListsPlugin, Kysely, replaceWithNoncontingentExpression } from 'kysely';
import type { JobHistory } from '../job-history.ts';
import type { HistorySchema } from '../schema.ts';
import { openSqlHistory } from '../sql-history.ts';
import type { SearchBounds } from '../sql-search.ts';
import { PooledPostgresDialect } from './dialect.ts';
import { POSTGRES_FLAVOUR } from './flavour.ts';
import type { PoolOptions } from './pool.ts';

/** Opens the history in a database, its tables made or brought up to date if need be; several processes may share it. */
export async function openPostgresHistory(
  options: PoolOptions & { readonly searchBounds?: SearchBounds },
): Promise<JobHistory> {
  const plugins = [new HandleEmptyInListsPlugin({ strategy: replaceWithNoncontingentExpression })];
  const db = new Kysely<HistorySchema>({ dialect: new PooledPostgresDialect(options), plugins });
  return openSqlHistory(db, POSTGRES_FLAVOUR, options.searchBounds);
}
