import type { Duty } from '../coordination/duty.ts';
import type { Fence } from '../coordination/fence.ts';
import type { WorkerRegistry } from '../coordination/worker-registry.ts';
import { jobError } from '../job/error-code.ts';
import type { JobError } from '../job/result.ts';
import type { JobQueue } from '../queue/job-queue.ts';
import { takeOut } from '../queue/take-out.ts';
import { endTakenOut } from './cancel.ts';
import type { JobHistory, JobRecord } from './job-history.ts';
import type { OverdueJob } from './time-limits.ts';

export interface ReaperParts {
  readonly history: JobHistory;
  readonly queue: JobQueue;
  readonly registry: WorkerRegistry;
  readonly fence: Fence;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Told of what jobs were ended for. */
  readonly onEnded?: (error: JobError) => void;
}

const EVERY_MS = 1_000;
/** A worker ends an attempt by itself, after TERM and KILL; only one that is gone needs so long. */
const GRACE_MS = 15_000;
const AT_ONCE = 100;

/** Holds jobs to their limits where no worker does: those that wait too long, and those whose worker is gone. */
export function reaperDuty(parts: ReaperParts): Duty {
  return {
    name: 'reaper',
    everyMs: EVERY_MS,
    async run() {
      const overdue = await parts.history.overdue({ nowMs: parts.clock(), graceMs: GRACE_MS, limit: AT_ONCE });
      if (overdue.length === 0) return;
      const alive = new Set((await parts.registry.list()).map(({ worker_id }) => worker_id));
      await Promise.all(overdue.map((job) => reap(parts, job, alive)));
    },
  };
}

async function reap(parts: ReaperParts, { job, limit }: OverdueJob, alive: ReadonlySet<string>): Promise<void> {
  if (job.status !== 'pending' && alive.has(job.worker_id ?? '')) return;
  if (limit === 'run') await parts.history.takeBack(job.tenant, job.job_id, job.attempt);
  else if (await isUnheld(parts, job)) await end(parts, job, errorOf(job, limit));
}

async function end(parts: ReaperParts, job: JobRecord, error: JobError): Promise<void> {
  if (await endTakenOut(parts, job, error)) parts.onEnded?.(error);
}

/** Out of the queue, if it is there; `false` while a worker may have it. */
async function isUnheld({ queue }: ReaperParts, job: JobRecord): Promise<boolean> {
  if (job.status === 'pending') return takeOut(queue, job, job.job_id);
  return (await queue.remove(job, job.job_id)) !== 'active';
}

function errorOf({ document }: JobRecord, limit: 'wait' | 'deadline'): JobError {
  return limit === 'wait'
    ? jobError('WAIT_TIMEOUT', 'No attempt began within the time that the job may wait')
    : jobError(
        'DEADLINE_EXCEEDED',
        `execution.deadline passed at ${document.execution.deadline}, before the job was done`,
      );
}
