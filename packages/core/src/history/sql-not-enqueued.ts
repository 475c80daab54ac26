import type { Kysely } from 'kysely';
import type { AcceptedJob } from './job-history.ts';
import { PENDING } from './partial-indexes.ts';
import { JOB_COLUMNS, toAcceptedJob } from './rows.ts';
import type { HistorySchema } from './schema.ts';

/** Counted no further than `atMost`. */
export async function countNotEnqueued(db: Kysely<HistorySchema>, atMost: number): Promise<number> {
  const some = withoutMark(db).select('id').limit(atMost);
  const { jobs } = await db
    .selectFrom(some.as('some'))
    .select((eb) => eb.fn.countAll<number>().as('jobs'))
    .executeTakeFirstOrThrow();
  return Number(jobs);
}

export async function notEnqueued(
  db: Kysely<HistorySchema>,
  acceptedBeforeMs: number,
  limit: number,
): Promise<readonly AcceptedJob[]> {
  const rows = await withoutMark(db)
    .select(JOB_COLUMNS)
    .where('submitted_at', '<', new Date(acceptedBeforeMs).toISOString())
    // a job with events was taken by the queue, though nobody noted it
    .where('last_sequence', '=', -1)
    .orderBy('id')
    .limit(limit)
    .execute();
  return rows.map(toAcceptedJob);
}

function withoutMark(db: Kysely<HistorySchema>) {
  return db.selectFrom('jobs').where('enqueued_at', 'is', null).where('status', '=', PENDING);
}
