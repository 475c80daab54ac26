/** How long a job waits after each failed attempt. */
export interface RetryPolicy {
  readonly policy: (typeof RETRY_POLICIES)[number];
  /** After the first failure. */
  readonly delayMs: number;
  /** No wait is longer. */
  readonly maxDelayMs: number;
  /** `full`: anything from nought up to the delay, so that jobs that failed together do not come back together. */
  readonly jitter: (typeof RETRY_JITTERS)[number];
}

export const RETRY_POLICIES = ['fixed', 'linear', 'exponential'] as const;
export const RETRY_JITTERS = ['full', 'none'] as const;

export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  policy: 'exponential',
  delayMs: 1_000,
  maxDelayMs: 60_000,
  jitter: 'full',
};

/** By how much the delay has grown after the n-th failure. */
const GROWTH: Readonly<Record<RetryPolicy['policy'], (failedAttempts: number) => number>> = {
  fixed: () => 1,
  linear: (failedAttempts) => failedAttempts,
  // not beyond what a number holds: no delay times infinity is no number
  exponential: (failedAttempts) => 2 ** Math.min(failedAttempts - 1, 1_000),
};

/** How long a job waits after its n-th failed attempt (from 1). */
export function retryDelayMs(policy: RetryPolicy, failedAttempts: number, random: () => number): number {
  const longestMs = Math.min(policy.maxDelayMs, policy.delayMs * GROWTH[policy.policy](failedAttempts));
  return Math.round(policy.jitter === 'full' ? longestMs * random() : longestMs);
}
