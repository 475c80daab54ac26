import type { Kysely, Transaction } from 'kysely';
import type { AcceptedJob } from './job-history.ts';
import { JOB_COLUMNS, type JobRowWithoutResult, toAcceptedJob } from './rows.ts';
import type { HistorySchema } from './schema.ts';
import type { SqlFlavour } from './sql-flavour.ts';

// Jobs that the queue was not yet seen to have. A mark that was lost leaves a job here that the queue has had all the same.

export async function takeFromOutbox(
  trx: Transaction<HistorySchema>,
  flavour: SqlFlavour,
  tenant: string,
  jobIds: readonly string[],
): Promise<void> {
  await trx
    .deleteFrom('outbox')
    .where(flavour.isOfJobs('job', tenant, jobIds))
    .execute();
}

/** Counted no further than `atMost`. */
export async function countNotEnqueued(db: Kysely<HistorySchema>, atMost: number): Promise<number> {
  const some = db.selectFrom('outbox').select('job').limit(atMost);
  const { jobs } = await db
    .selectFrom(some.as('some'))
    .select((eb) => eb.fn.countAll<number>().as('jobs'))
    .executeTakeFirstOrThrow();
  return Number(jobs);
}

/** The oldest; on the way, those that the queue has had or need no longer have are dropped. */
export async function notEnqueued(
  db: Kysely<HistorySchema>,
  acceptedBeforeMs: number,
  limit: number,
): Promise<readonly AcceptedJob[]> {
  for (;;) {
    const rows = await oldest(db, acceptedBeforeMs, limit);
    const settled = rows.filter(isSettled);
    if (settled.length === 0) return rows.map(toAcceptedJob);
    const ids = settled.map(({ id }) => id);
    await db.deleteFrom('outbox').where('job', 'in', ids).execute();
  }
}

function oldest(db: Kysely<HistorySchema>, acceptedBeforeMs: number, limit: number) {
  return db
    .selectFrom('outbox')
    .innerJoin('jobs', 'jobs.id', 'outbox.job')
    .select(JOB_COLUMNS)
    .where('submitted_at', '<', new Date(acceptedBeforeMs).toISOString())
    .orderBy('outbox.job')
    .limit(limit)
    .execute();
}

/** Ended without the queue, or with events: the queue has had it, though nobody noted that. */
function isSettled({ status, last_sequence }: JobRowWithoutResult): boolean {
  return status !== 'pending' || last_sequence >= 0;
}
