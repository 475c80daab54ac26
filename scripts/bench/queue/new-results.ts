import path from 'node:path';
import { connectPostgres } from '@guestkit/core/history/postgres/open';
import { connectSqlite } from '@guestkit/core/history/sqlite/open';

export interface NewResults extends AsyncDisposable {
  count(): Promise<number>;
}

export interface HistoryPlace {
  readonly databaseUrl: string | undefined;
  readonly dataDir: string;
}

/**
 * Counts the results of jobs that are accepted from now on. How many there are is asked time and again while that is measured; to answer
 * that of all jobs, history would look at each of them, at the cost of those who write to it.
 */
export async function countNewResults({ databaseUrl, dataDir }: HistoryPlace): Promise<NewResults> {
  const db =
    databaseUrl === undefined
      ? connectSqlite(path.join(dataDir, 'history.sqlite'))
      : connectPostgres({ url: databaseUrl, onError: () => {} });
  const newest = await db.selectFrom('jobs').select('id').orderBy('id', 'desc').limit(1).executeTakeFirst();
  const results = db
    .selectFrom('results')
    .select(({ fn }) => fn.countAll<number>().as('results'))
    .where('job', '>', newest?.id ?? 0);
  return {
    count: async () => Number((await results.executeTakeFirstOrThrow()).results),
    [Symbol.asyncDispose]: () => db.destroy(),
  };
}
