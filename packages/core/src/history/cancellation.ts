import type { JobError } from '../job/result.ts';
import type { JobRecord } from './job-history.ts';

/** What became of a wish to cancel a job. */
export interface CancelAnswer {
  /** `requested`: durable from now on, or since an earlier wish. `refused`: its document forbids it. `ended`: it has a final state. */
  readonly outcome: 'requested' | 'refused' | 'ended';
  readonly job: JobRecord;
}

/** A wish that has not come true yet. */
export interface OpenCancel {
  readonly job: JobRecord;
  readonly reason: string;
  readonly requestedAtMs: number;
}

export interface OpenCancelPage {
  readonly cancels: readonly OpenCancel[];
  /** Where the next page begins; `undefined` on the last one. */
  readonly next: number | undefined;
}

/** The wishes that jobs end: durable before anyone is told, so that neither a lost message nor a restart undoes them. */
export interface Cancellations {
  /** `undefined` for a job that is not known. */
  requestCancel(tenant: string, jobId: string, reason: string): Promise<CancelAnswer | undefined>;
  /** In order of acceptance. */
  openCancels(page: { readonly limit: number; readonly after?: number }): Promise<OpenCancelPage>;
  /** Ends a job that was taken out of the queue, or whose worker is gone. `false` when it has ended before. */
  endUnheld(tenant: string, jobId: string, error: JobError): Promise<boolean>;
}
