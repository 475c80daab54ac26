import { setTimeout as delay } from 'node:timers/promises';
import { inBackground } from '../coordination/background.ts';
import type { AcceptedJob } from './job-history.ts';
import { type LookAgainParts, type StopParts, takeOutEnded } from './take-out-ended.ts';

export interface OutboxOptions extends LookAgainParts, StopParts {
  readonly intervalMs?: number;
  /** Younger jobs are left to the request that accepted them. */
  readonly minimumAgeMs?: number;
  readonly batchSize?: number;
  /** Told of jobs that it brought to the queue. */
  readonly onCarried?: (jobs: readonly AcceptedJob[]) => void;
  readonly onError: (error: Error) => void;
}

/**
 * Enqueues, again and again, accepted jobs that the queue was never seen to take: their API node died, or Redis was away. Any
 * number of them may run; enqueueing under the same id twice changes nothing, and what has ended meanwhile is taken out again.
 */
export function startOutbox(options: OutboxOptions): AsyncDisposable {
  return inBackground((signal) => carryUntil(signal, options));
}

async function carryUntil(signal: AbortSignal, options: OutboxOptions): Promise<void> {
  while (!signal.aborted) {
    const isMoreLeft = await carryOnce(options).catch((error) => {
      options.onError(error);
      return false;
    });
    if (!isMoreLeft) await delay(options.intervalMs ?? 1_000, undefined, { signal }).catch(() => {});
  }
}

async function carryOnce(options: OutboxOptions): Promise<boolean> {
  const { history, queue, minimumAgeMs = 2_000, batchSize = 200, onCarried } = options;
  const jobs = await history.notEnqueued(Date.now() - minimumAgeMs, batchSize);
  // all at once: many adds in flight are faster than one after another
  await Promise.all(jobs.map((job) => queue.enqueue(job)));
  for (const [tenant, group] of Map.groupBy(jobs, (job) => job.tenant)) {
    await history.markEnqueued(
      tenant,
      group.map(({ document }) => document.job_id),
    );
    await takeOutEnded(tenant, group, options);
  }
  if (jobs.length > 0) onCarried?.(jobs);
  return jobs.length === batchSize;
}
