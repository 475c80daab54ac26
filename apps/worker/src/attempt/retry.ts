import { classOf } from '@guestkit/core/job/error-code';
import { type NextAttempt, nextAttempt } from '@guestkit/core/job/next-attempt';
import type { JobError } from '@guestkit/core/job/result';
import { type RetryPolicy, retryPolicyOf } from '@guestkit/core/job/retry-policy';
import type { Delivery } from '@guestkit/core/queue/job-queue';
import type { AttemptHost } from './host.ts';

/** By the document; where it says nothing, as this worker is configured for the operation, or for all. */
export function policyOf({ document }: Delivery['job'], { retry }: AttemptHost): RetryPolicy {
  return retryPolicyOf(document.execution.retry, retry.operations.get(document.operation) ?? retry.others);
}

/** What follows an attempt that failed with the error. */
export function whatFollows(error: JobError, { job, failedAttempts }: Delivery, host: AttemptHost): NextAttempt {
  return nextAttempt({
    execution: job.document.execution,
    policy: policyOf(job, host),
    errorClass: classOf(error),
    failedAttempts: failedAttempts + 1,
    nowMs: Date.now(),
  });
}
