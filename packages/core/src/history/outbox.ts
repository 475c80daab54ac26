import { setTimeout as delay } from 'node:timers/promises';
import { inBackground } from '../coordination/background.ts';
import type { EventStream } from '../coordination/event-stream.ts';
import { bringToQueue, noteInQueue } from './bring-to-queue.ts';
import { byQueue } from './by-queue.ts';
import { hasRecorded } from './has-recorded.ts';
import type { AcceptedJob } from './job-history.ts';
import type { LookAgainParts, StopParts } from './take-out-ended.ts';

export interface OutboxOptions extends LookAgainParts, StopParts {
  readonly stream: Pick<EventStream, 'mark' | 'isRecorded'>;
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
 * number of them may run; enqueueing under the same id twice changes nothing, what the queue has had and forgotten is left to the
 * recorder, and what has ended meanwhile is taken out again.
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
  const { history, stream, minimumAgeMs = 2_000, batchSize = 1_000, onCarried } = options;
  const acceptedBeforeMs = Date.now() - minimumAgeMs;
  const look = () => history.notEnqueued(acceptedBeforeMs, batchSize);
  const seen = await look();
  const [present, absent] = await partByPresence(seen, options);
  for (const [tenant, group] of Map.groupBy(present, (job) => job.tenant)) await noteInQueue(tenant, group, options);
  // the queue may have had one, run it and forgotten it: then its end was told before now
  if (absent.size > 0 && !(await hasRecorded(stream))) return false;
  const jobs = absent.size === 0 ? [] : (await look()).filter((job) => absent.has(nameOf(job)));
  await bringToQueue(jobs, options);
  if (jobs.length > 0) onCarried?.(jobs);
  return seen.length === batchSize;
}

/** The jobs that the queue has, and the names of those that it has not. */
async function partByPresence(
  jobs: readonly AcceptedJob[],
  { queue }: OutboxOptions,
): Promise<readonly [readonly AcceptedJob[], ReadonlySet<string>]> {
  const present: AcceptedJob[] = [];
  const absent = new Set<string>();
  for (const [name, group] of byQueue(jobs)) {
    const presences = await queue.presence(
      name,
      group.map(({ document }) => document.job_id),
    );
    for (const job of group) {
      const { state } = presences.get(job.document.job_id) ?? { state: 'absent' };
      if (state === 'absent') absent.add(nameOf(job));
      else present.push(job);
    }
  }
  return [present, absent];
}

function nameOf({ tenant, document }: AcceptedJob): string {
  return JSON.stringify([tenant, document.job_id]);
}
