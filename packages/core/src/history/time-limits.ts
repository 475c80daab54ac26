import type { JobRecord } from './job-history.ts';

/** `wait`: no attempt began in time. `deadline`: it passed. `run`: the latest attempt runs longer than it may. */
export type TimeLimit = 'wait' | 'deadline' | 'run';

export interface OverdueJob {
  readonly job: JobRecord;
  readonly limit: TimeLimit;
}

export interface OverdueQuery {
  readonly nowMs: number;
  /** How much longer than its limits a job may be with a worker, which enforces them too. */
  readonly graceMs: number;
  /** Of each kind of limit. */
  readonly limit: number;
}

/** What is known of jobs that have outstayed their time. */
export interface TimeLimits {
  /** Unfinished jobs beyond a limit, the longest overdue first. */
  overdue(query: OverdueQuery): Promise<readonly OverdueJob[]>;
  /** Lets a job wait again whose attempt a worker has that is gone. `false` when it stands elsewhere by now. */
  takeBack(tenant: string, jobId: string, attempt: number): Promise<boolean>;
}
