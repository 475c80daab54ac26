import type { JobQueue } from '../queue/job-queue.ts';
import type { Acceptance, AcceptedJob, JobHistory } from './job-history.ts';
import { takeOutWaiting } from './take-out-ended.ts';

export interface SubmitParts {
  readonly history: JobHistory;
  readonly queue: JobQueue;
  /** Told why the queue did not take an accepted job; the outbox will carry it there. */
  readonly onNotEnqueued?: (error: Error) => void;
  /** How long the queue may take before the job is left to the outbox. */
  readonly enqueueTimeoutMs?: number;
}

/** `isEnqueued` is false for a job that waits for the outbox: accepted all the same. */
export type Submission = Acceptance & { readonly isEnqueued: boolean };

const ENQUEUE_TIMEOUT_MS = 2_000;
/** Nobody ends a job as soon as that after it was accepted. */
const SLOW_MS = 100;

/**
 * Makes a job durable, then hands it to the queue, then notes that the queue has it. Once the first step is done the job is
 * accepted, whatever happens to the others.
 */
export async function submitJob(parts: SubmitParts, job: AcceptedJob): Promise<Submission> {
  const acceptance = await parts.history.accept(job);
  // whoever was first has handed it to the queue, or the outbox will
  if (acceptance.outcome !== 'created') return { ...acceptance, isEnqueued: false };
  return { ...acceptance, isEnqueued: await handToQueue(parts, [job]) };
}

/** The same for several jobs of one tenant at once, each with an outcome of its own, in their order. */
export async function submitJobs(
  parts: SubmitParts,
  jobs: readonly AcceptedJob[],
): Promise<readonly PromiseSettledResult<Acceptance>[]> {
  const acceptances = await Promise.allSettled(jobs.map((job) => parts.history.accept(job)));
  const created = jobs.filter((_job, index) => isCreated(acceptances[index]));
  await handToQueue(parts, created);
  return acceptances;
}

function isCreated(acceptance: PromiseSettledResult<Acceptance> | undefined): boolean {
  return acceptance?.status === 'fulfilled' && acceptance.value.outcome === 'created';
}

async function handToQueue(parts: SubmitParts, jobs: readonly AcceptedJob[]): Promise<boolean> {
  const report = (error: Error) => parts.onNotEnqueued?.(error);
  const [first] = jobs;
  if (first === undefined) return true;
  try {
    await inTime(enqueue(parts, first, jobs), parts.enqueueTimeoutMs ?? ENQUEUE_TIMEOUT_MS);
  } catch (error) {
    report(error instanceof Error ? error : new Error(String(error)));
    return false;
  }
  const jobIds = jobs.map(({ document }) => document.job_id);
  // the client need not wait for a note
  parts.history.markEnqueued(first.tenant, jobIds).catch(report);
  return true;
}

/** A queue that was away may take a job that has ended meanwhile, also after nobody waits for that any more; one that has begun is left to the reconciler. */
async function enqueue(
  { history, queue }: SubmitParts,
  first: AcceptedJob,
  jobs: readonly AcceptedJob[],
): Promise<void> {
  const startedMs = performance.now();
  await (jobs.length === 1 ? queue.enqueue(first) : queue.enqueueAll(jobs));
  if (performance.now() - startedMs > SLOW_MS) await takeOutWaiting(first.tenant, jobs, { history, queue });
}

function inTime(work: Promise<void>, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(new Error(`Cannot enqueue a job: no answer from the queue in ${timeoutMs} ms`));
    const timer = setTimeout(giveUp, timeoutMs);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
