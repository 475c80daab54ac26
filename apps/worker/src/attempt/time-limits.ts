import type { JobDocument } from '@guestkit/core/job/document';
import { jobError } from '@guestkit/core/job/error-code';
import type { JobError } from '@guestkit/core/job/result';
import { epochMsOf } from '@guestkit/core/job/timestamp';
import type { Delivery } from '@guestkit/core/queue/job-queue';
import type { TimeBounds } from '../jail/seat.ts';

/** What holds where a document says nothing; 0 for no limit. */
export interface LimitSettings {
  readonly attemptHeartbeatSeconds: number;
  readonly progressSeconds: number;
}

/** How long an attempt that begins now may run, be silent, and be without progress. */
export function timeLimits({ execution }: JobDocument, settings: LimitSettings): TimeBounds {
  const { deadline, timeout_seconds, timeouts } = execution;
  const untilDeadlineMs = deadline === undefined ? Infinity : epochMsOf(deadline) - Date.now();
  return {
    timeoutMs: Math.min(timeout_seconds * 1000, untilDeadlineMs),
    silenceMs: boundOf(timeouts?.heartbeat_seconds ?? settings.attemptHeartbeatSeconds),
    progressMs: boundOf(timeouts?.progress_seconds ?? settings.progressSeconds),
  };
}

/** What a job ends with whose first attempt would begin too late. */
export function waitedTooLong({ job, attempt }: Delivery): JobError | undefined {
  const seconds = job.document.execution.timeouts?.wait_seconds ?? 0;
  if (attempt > 1 || seconds === 0 || Date.now() <= job.acceptedAtMs + seconds * 1000) return undefined;
  return jobError('WAIT_TIMEOUT', `No attempt began within ${seconds} s`);
}

function boundOf(seconds: number): number {
  return seconds === 0 ? Infinity : seconds * 1000;
}
