import type { BulkOperation, BulkTold, BulkVerb } from '@guestkit/core/history/bulk-operations';
import { cancelJob } from '@guestkit/core/history/cancel';
import { isDatabaseFault } from '@guestkit/core/history/database-fault';
import { requeueDeadLetter } from '@guestkit/core/history/requeue';
import type { DutyParts } from '../duties.ts';
import { noteNotEnqueued } from '../posted-job.ts';
import { problemOf } from '../problem.ts';

export type BulkActsParts = Pick<DutyParts, 'history' | 'queue' | 'cancels' | 'fence' | 'logger' | 'metrics' | 'clock'>;

/** Does to a batch of jobs what is asked for, or does it again. @throws when nothing can be done now */
export type BulkAct = (operation: BulkOperation, jobIds: readonly string[]) => Promise<BulkTold>;
export type BulkActs = Readonly<Record<BulkVerb, BulkAct>>;

type Change = 'changed' | 'skipped';
type JobAct = (operation: BulkOperation, jobId: string) => Promise<Change>;

export function bulkActs(parts: BulkActsParts): BulkActs {
  return {
    cancel: oneByOne(parts, (operation, jobId) => cancel(parts, operation, jobId)),
    retry: oneByOne(parts, (operation, jobId) => retry(parts, operation, jobId)),
    purge: (operation, jobIds) => purge(parts, operation, jobIds),
  };
}

/** One job that fails does not keep the others from being done; the world failing does, until later. */
function oneByOne({ logger }: BulkActsParts, act: JobAct): BulkAct {
  return async (operation, jobIds) => {
    const outcomes = await Promise.allSettled(jobIds.map((jobId) => act(operation, jobId)));
    const faults = outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }) => reason);
    const fault = faults.find(isDatabaseFault);
    if (fault !== undefined) throw fault;
    for (const err of faults) logger.error({ err, bulk_id: operation.bulk_id }, 'a job of a bulk operation failed');
    const count = (change: Change) =>
      outcomes.filter((one) => one.status === 'fulfilled' && one.value === change).length;
    return {
      ...{ changed: count('changed'), skipped: count('skipped'), failed: faults.length },
      ...(faults.length > 0 && { error: problemOf(faults[0]).message }),
    };
  };
}

async function cancel(
  parts: BulkActsParts,
  { filter: { tenant }, bulk_id }: BulkOperation,
  jobId: string,
): Promise<Change> {
  const onNotTold = (err: Error) => parts.logger.warn({ err, bulk_id }, 'a job to be cancelled waits for its duty');
  const wish = { tenant, jobId, reason: `cancelled by ${bulk_id}` };
  const cancelling = await cancelJob({ ...parts, onNotTold }, wish);
  return cancelling?.outcome === 'cancelled' || cancelling?.outcome === 'cancelling' ? 'changed' : 'skipped';
}

/** A job that has been requeued before this was asked for is not requeued again. */
async function retry(
  parts: BulkActsParts,
  { filter: { tenant }, created_at }: BulkOperation,
  jobId: string,
): Promise<Change> {
  const letter = await parts.history.findDeadLetter(tenant, jobId);
  if (letter?.requeued_at && letter.requeued_at < created_at) return 'skipped';
  const requeueParts = { ...parts, onNotEnqueued: noteNotEnqueued(parts.logger) };
  const requeue = await requeueDeadLetter(requeueParts, { tenant, jobId });
  if (requeue.kind !== 'requeued') return 'skipped';
  parts.metrics.jobsAccepted.inc({ outcome: requeue.submission.outcome });
  return 'changed';
}

/** What the queue keeps of ended jobs goes first: a job that is posted anew under such an id would not be added to it. */
async function purge(
  { history, queue }: BulkActsParts,
  { filter: { tenant } }: BulkOperation,
  jobIds: readonly string[],
): Promise<BulkTold> {
  const jobs = await Promise.all(jobIds.map((jobId) => history.find(tenant, jobId)));
  await Promise.all(jobs.map((job) => job && queue.forget(job, job.job_id)));
  const purged = await history.purgeJobs(tenant, jobIds);
  return { changed: purged.length, skipped: jobIds.length - purged.length, failed: 0 };
}
