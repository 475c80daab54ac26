import type { QueuedJob } from '../queue/job-queue.ts';
import type { AttemptRecord } from './job-history.ts';

/** What a queue must be told of the attempts a job had when the job is enqueued again, so that their numbers and counts go on. */
export function attemptsBefore(
  attempts: readonly AttemptRecord[],
): Pick<QueuedJob, 'attemptsBefore' | 'failedBefore' | 'lostBefore'> {
  const countOf = (outcome: AttemptRecord['outcome']) => attempts.filter((each) => each.outcome === outcome).length;
  return {
    attemptsBefore: Math.max(0, ...attempts.map(({ attempt }) => attempt)),
    failedBefore: countOf('retry'),
    lostBefore: countOf('lost'),
  };
}
