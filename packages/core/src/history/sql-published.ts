import type { Kysely } from 'kysely';
import type { PublishedJobs } from './published-jobs.ts';
import type { HistorySchema } from './schema.ts';

export async function publishedLately(
  db: Kysely<HistorySchema>,
  withinMs: number,
): ReturnType<PublishedJobs['publishedLately']> {
  const { newest } = await db
    .selectFrom('jobs')
    .select((eb) => eb.fn.max('completed_at').as('newest'))
    .executeTakeFirstOrThrow();
  if (newest === null) return [];
  return db
    .selectFrom('jobs')
    .select(['tenant', 'job_id'])
    .where('completed_at', '>=', new Date(Date.parse(newest) - withinMs).toISOString())
    .where('result', 'like', '%"outputs":%')
    .execute();
}
