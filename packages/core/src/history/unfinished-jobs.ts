import type { JobState } from '../job/state.ts';
import type { QueuedJob, QueueName } from '../queue/job-queue.ts';

export const UNFINISHED_STATES = ['running', 'assigned', 'pending'] as const satisfies readonly JobState[];
export type UnfinishedState = (typeof UNFINISHED_STATES)[number];

/** What of a job that has not ended is compared with the queue. */
export interface UnfinishedJob extends QueueName {
  /** Grows with acceptance. */
  readonly position: number;
  readonly job_id: string;
  readonly status: UnfinishedState;
  readonly attempt: number;
  readonly worker_id: string | null;
  /** The highest sequence among its events; -1 before the first. */
  readonly lastSequence: number;
  /** RFC 3339 in UTC. */
  readonly submitted_at: string;
  /** Whether the queue was ever seen to have it. */
  readonly wasEnqueued: boolean;
}

export interface UnfinishedPage {
  readonly status: UnfinishedState;
  readonly after: number;
  readonly limit: number;
}

/** Jobs of all tenants that have not ended, for those who compare them with the queue. */
export interface UnfinishedJobs {
  /** In order of position. */
  unfinished(page: UnfinishedPage): Promise<readonly UnfinishedJob[]>;
  unfinishedAmong(tenant: string, jobIds: readonly string[]): Promise<readonly UnfinishedJob[]>;
  /** Those at the positions that have not ended, as they are to be enqueued again; in order of position. */
  queuedJobs(positions: readonly number[]): Promise<readonly QueuedJob[]>;
}
