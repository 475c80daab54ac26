import type { CancelIntents } from '../coordination/cancel-intents.ts';
import type { Fence } from '../coordination/fence.ts';
import type { JobQueue, QueuedJob } from '../queue/job-queue.ts';
import type { JobHistory } from './job-history.ts';
import { notUnfinished } from './not-unfinished.ts';

export interface StopParts {
  readonly fence: Pick<Fence, 'close'>;
  readonly cancels: Pick<CancelIntents, 'tell'>;
}

export interface LookAgainParts {
  readonly history: JobHistory;
  readonly queue: JobQueue;
}

/** A job that ended between a look into history and the adding must not run again. All are of one tenant. */
export async function takeOutEnded(
  tenant: string,
  jobs: readonly QueuedJob[],
  parts: LookAgainParts & StopParts,
): Promise<void> {
  const begun = await takeOutWaiting(tenant, jobs, parts);
  if (begun.length > 0) await stopAfterEnd(tenant, begun, parts);
}

/** The same but for those that a worker has begun, which are the answer. */
export async function takeOutWaiting(
  tenant: string,
  jobs: readonly QueuedJob[],
  { history, queue }: LookAgainParts,
): Promise<readonly string[]> {
  const strangers = await notUnfinished(history, tenant, jobs.map(idOf));
  const ended = jobs.filter((job) => strangers.has(idOf(job)));
  const answers = await Promise.all(ended.map((job) => queue.remove(job, idOf(job))));
  return ended.filter((_, index) => answers[index] === 'active').map(idOf);
}

/** A worker has begun what should not run any more: it hears so, and publishes nothing. */
export async function stopAfterEnd(
  tenant: string,
  jobIds: readonly string[],
  { fence, cancels }: StopParts,
): Promise<void> {
  await Promise.all(jobIds.map((jobId) => fence.close(tenant, jobId)));
  await cancels.tell(jobIds.map((jobId) => ({ tenant, jobId, reason: 'it has ended already' })));
}

function idOf({ document }: QueuedJob): string {
  return document.job_id;
}
