import type { JobPresence, QueueName } from '../../queue/job-queue.ts';
import type { UnfinishedJob } from '../unfinished-jobs.ts';

/** In what history and the queue may disagree. */
export const DISAGREEMENTS = {
  'not-enqueued': 'accepted, but never brought to the queue',
  'unknown-to-queue': 'not ended in history, but the queue has lost it',
  'ended-in-queue': 'ended in the queue, but history was not told',
  'attempt-lost': 'an attempt runs in history, but the queue waits for another one',
  'ended-in-history': 'ended in history, but the queue still waits to run it',
  'active-after-end': 'ended in history, but a worker still runs it',
  'unknown-to-history': 'the queue waits to run it, but history does not know it',
} as const;

export type DisagreementKind = keyof typeof DISAGREEMENTS;

export interface Disagreement extends QueueName {
  readonly kind: DisagreementKind;
  readonly job_id: string;
}

/** Younger jobs that were not enqueued are left to the request that accepted them. */
const GRACE_MS = 2_000;

/** In what history and the queue disagree about a job that has not ended in history. */
export function disagreementOf(
  { status, wasEnqueued, attempt, submitted_at }: UnfinishedJob,
  { state }: JobPresence,
  nowMs: number,
): DisagreementKind | undefined {
  switch (state) {
    case 'absent':
    case 'stray':
      if (wasEnqueued || attempt > 0) return 'unknown-to-queue';
      return nowMs - Date.parse(submitted_at) < GRACE_MS ? undefined : 'not-enqueued';
    case 'completed':
    case 'failed':
      return 'ended-in-queue';
    case 'waiting':
    case 'delayed':
      return status === 'pending' ? undefined : 'attempt-lost';
    case 'active':
    // a parent has an attempt, and waits for its children all the same
    case 'waiting-children':
      return undefined;
  }
}
