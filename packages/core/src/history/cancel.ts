import type { CancelIntents } from '../coordination/cancel-intents.ts';
import type { Fence } from '../coordination/fence.ts';
import { jobError } from '../job/error-code.ts';
import type { JobError } from '../job/result.ts';
import type { JobQueue } from '../queue/job-queue.ts';
import { takeOut } from '../queue/take-out.ts';
import type { JobHistory, JobRecord } from './job-history.ts';

export interface CancelParts {
  readonly history: JobHistory;
  readonly queue: JobQueue;
  readonly cancels: CancelIntents;
  readonly fence: Fence;
  /** Told why the queue or the workers could not be reached; the wish is durable, and will be carried out when they can. */
  readonly onNotTold?: (error: Error) => void;
  /** How long they may take before the wish is left to the duty that looks after it. */
  readonly tellTimeoutMs?: number;
}

export interface CancelWish {
  readonly tenant: string;
  readonly jobId: string;
  readonly reason: string;
}

/** `cancelling`: the wish is durable, and a worker ends the job, or whoever reaches the queue again. */
export interface Cancelling {
  readonly outcome: 'cancelled' | 'cancelling' | 'refused' | 'ended';
  readonly job: JobRecord;
}

const TELL_TIMEOUT_MS = 1_000;

/**
 * Makes the wish durable, then ends the job if it waits in the queue, or else tells the workers, one of which has it. Once the first
 * step is done the job will not run to its end unnoticed, whatever happens to the others. `undefined` for a job that is not known.
 */
export async function cancelJob(parts: CancelParts, wish: CancelWish): Promise<Cancelling | undefined> {
  const answer = await parts.history.requestCancel(wish.tenant, wish.jobId, wish.reason);
  if (answer === undefined) return undefined;
  const { outcome, job } = answer;
  if (outcome === 'ended') return { outcome: job.status === 'cancelled' ? 'cancelled' : 'ended', job };
  if (outcome === 'refused') return { outcome, job };
  return { outcome: (await isEndedInTime(parts, job, wish.reason)) ? 'cancelled' : 'cancelling', job };
}

async function isEndedInTime(parts: CancelParts, job: JobRecord, reason: string): Promise<boolean> {
  const timer = Promise.withResolvers<boolean>();
  const late = setTimeout(() => timer.resolve(false), parts.tellTimeoutMs ?? TELL_TIMEOUT_MS);
  const ended = carryOut(parts, job, reason).catch((error) => {
    parts.onNotTold?.(error);
    return false;
  });
  return Promise.race([ended, timer.promise]).finally(() => clearTimeout(late));
}

/** `true` when the job has ended by this; otherwise its worker has been told. Harmless when done again. */
export async function carryOut(
  parts: CancelParts,
  job: JobRecord,
  reason: string,
  { isTold = false }: { readonly isTold?: boolean } = {},
): Promise<boolean> {
  const tell = async () => {
    if (!isTold) await parts.cancels.tell([{ tenant: job.tenant, jobId: job.job_id, reason }]);
  };
  const isHeld = job.status !== 'pending';
  // a worker should hear of it before all else
  if (isHeld) await tell();
  const isOut = isHeld ? await isTaken(parts, job) : await takeOut(parts.queue, job, job.job_id);
  if (isOut) return endTakenOut(parts, job, jobError('CANCELLED', reason));
  if (!isHeld) await tell();
  return false;
}

/** Ends a job that was taken out of the queue; an attempt that its worker still runs, having lost it, publishes nothing. */
export async function endTakenOut(
  { history, fence }: Pick<CancelParts, 'history' | 'fence'>,
  { tenant, job_id, attempt }: JobRecord,
  error: JobError,
): Promise<boolean> {
  if (attempt > 0) await fence.close(tenant, job_id);
  return history.endUnheld(tenant, job_id, error);
}

/** History may be late to know that a worker has given the job back. */
async function isTaken({ queue }: CancelParts, job: JobRecord): Promise<boolean> {
  return (await queue.remove(job, job.job_id)) === 'removed';
}
