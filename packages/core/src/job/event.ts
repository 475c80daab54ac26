import type { ErrorClass } from './error-class.ts';
import type { EndCause } from './next-attempt.ts';
import type { JobError, ResultDocument } from './result.ts';

/**
 * What happened to a job, as told on the event stream and kept in history. A writer may repeat an event: (job_id, sequence)
 * names it. Sequences grow within a job and across its attempts: attempt n starts at (n - 1) · 2^20 (see sequenceOf).
 */
export interface JobEventBase {
  readonly tenant: string;
  readonly job_id: string;
  readonly attempt: number;
  readonly sequence: number;
  readonly timestamp: string;
  readonly worker_id: string;
  /** Unique per delivery; attempts are in order of their number, then of this. Absent where history itself tells. */
  readonly token?: string;
}

export interface AssignedEvent extends JobEventBase {
  readonly type: 'assigned';
}

export interface RunningEvent extends JobEventBase {
  readonly type: 'running';
}

export interface ProgressEvent extends JobEventBase {
  readonly type: 'progress';
  readonly phase: string;
  readonly progress_percent?: number;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The attempt ended without an outcome for the job, which waits for another one: a retry, or a worker that drains. */
export interface ReleasedEvent extends JobEventBase {
  readonly type: 'released';
  readonly reason: 'retry' | 'drain' | 'lost';
  readonly error?: JobError;
}

/** A job that failed for good, the class of its error, and why it was not tried again. */
export interface DeadLetterNote {
  readonly class: ErrorClass;
  readonly because: EndCause;
}

/** The job reached its final state. */
export interface FinishedEvent extends JobEventBase {
  readonly type: 'finished';
  readonly result: ResultDocument;
  /** Where the job went to the dead letters. */
  readonly dead_letter?: DeadLetterNote;
}

export type JobEvent = AssignedEvent | RunningEvent | ProgressEvent | ReleasedEvent | FinishedEvent;

const SEQUENCES_PER_ATTEMPT = 2 ** 20;

/** The sequence of the n-th event (from 0) of an attempt (from 1), so that no shared counter is needed. */
export function sequenceOf(attempt: number, n: number): number {
  return (attempt - 1) * SEQUENCES_PER_ATTEMPT + n;
}

/** A share of work done as a whole percentage within 0 to 100; `undefined` where there is no telling. */
export function percentOf(done: number, total: number): number | undefined {
  if (!(total > 0) || Number.isNaN(done)) return undefined;
  return Math.min(100, Math.max(0, Math.floor((done / total) * 100)));
}
