import { hasRecorded } from '../has-recorded.ts';
import { UNFINISHED_STATES, type UnfinishedJob } from '../unfinished-jobs.ts';
import type { ReconcileParts } from './reconcile-parts.ts';
import { enqueueAgain } from './repair.ts';
import { sweepQueues } from './sweep.ts';

const PAGE = 1_000;

/**
 * Brings every job that has not ended to a queue that was flushed or rolled back: first those that were under way, then those
 * that waited, in order of acceptance. Adding one that the queue still has changes nothing. Resolves with their number.
 */
export async function rebuildQueue(parts: ReconcileParts, signal: AbortSignal): Promise<number> {
  let rebuilt = 0;
  for (const status of UNFINISHED_STATES) {
    let after = 0;
    for (;;) {
      signal.throwIfAborted();
      const jobs = await parts.history.unfinished({ status, after, limit: PAGE });
      await takeOutBegun(jobs, parts, signal);
      rebuilt += (
        await enqueueAgain(
          jobs.map(({ position }) => position),
          parts,
        )
      ).length;
      after = jobs.at(-1)?.position ?? after;
      if (jobs.length < PAGE) break;
    }
  }
  for await (const _found of sweepQueues(parts, { mayRepair: async () => !signal.aborted })) signal.throwIfAborted();
  return rebuilt;
}

/**
 * A queue that was rolled back may wait for an attempt that has been: its number must not come twice. What the queue knows better
 * than history, as it went on meanwhile, is in the stream: it is recorded before the job is put together again.
 */
async function takeOutBegun(
  jobs: readonly UnfinishedJob[],
  { queue, stream }: ReconcileParts,
  signal: AbortSignal,
): Promise<void> {
  const begun = jobs.filter(({ attempt }) => attempt > 0);
  const answers = await Promise.all(begun.map((job) => queue.remove(job, job.job_id)));
  if (!answers.includes('removed')) return;
  // however long that takes: a job must not be tried more often than it may because nobody knew yet how often it was
  while (!(await hasRecorded(stream))) signal.throwIfAborted();
}
