import type { CancelWatch } from '@guestkit/core/coordination/cancel-intents';
import { jobError } from '@guestkit/core/job/error-code';
import type { JobError } from '@guestkit/core/job/result';
import type { QueuedJob } from '@guestkit/core/queue/job-queue';

/** Follows whether a job is to be cancelled, for as long as an attempt of it runs. */
export class Cancellation implements Disposable {
  readonly #abort = new AbortController();
  readonly #following: Disposable;
  #error: JobError | undefined;

  constructor(cancels: CancelWatch, { tenant, document }: QueuedJob) {
    this.#following = cancels.follow(tenant, document.job_id, (reason) => {
      this.#error ??= cancelError(reason);
      this.#abort.abort();
    });
  }

  /** Fires when the attempt must end for this. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** What the job then ends with; it stays, even if the wish is forgotten with all else that Redis knew. */
  get error(): JobError | undefined {
    return this.#error;
  }

  [Symbol.dispose](): void {
    this.#following[Symbol.dispose]();
  }
}

/** With what a job ends that need not begin at all. */
export function knownCancel(cancels: CancelWatch, { tenant, document }: QueuedJob): JobError | undefined {
  const reason = cancels.reasonFor(tenant, document.job_id);
  return reason === undefined ? undefined : cancelError(reason);
}

function cancelError(reason: string): JobError {
  return jobError('CANCELLED', reason);
}
