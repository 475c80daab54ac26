import type { Retry } from './document.ts';
import { type ErrorClass, isErrorClass } from './error-class.ts';

/** Which failed attempts are followed by another, and after what wait. */
export interface RetryPolicy {
  readonly policy: (typeof RETRY_POLICIES)[number];
  /** After the first failure. */
  readonly delayMs: number;
  /** No wait is longer. */
  readonly maxDelayMs: number;
  /** `full`: anything from nought up to the delay, so that jobs that failed together do not come back together. */
  readonly jitter: (typeof RETRY_JITTERS)[number];
  /** The classes of errors to try again after; those of the table when not given. */
  readonly retryOn?: readonly ErrorClass[];
}

export const RETRY_POLICIES = ['fixed', 'linear', 'exponential'] as const;
export const RETRY_JITTERS = ['full', 'none'] as const;
/** A week, in seconds: who waits for longer wants to be told. */
export const LONGEST_RETRY_DELAY_SECONDS = 604_800;

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

/** What a document asks for; where it says nothing, the configured. */
export function retryPolicyOf(asked: Retry | undefined, configured: RetryPolicy): RetryPolicy {
  if (asked === undefined) return configured;
  const delayMs = asked.delay_seconds === undefined ? configured.delayMs : asked.delay_seconds * 1000;
  const maxDelayMs =
    // a longer delay that is asked for is not cut by a cap that nobody asked for
    asked.max_delay_seconds === undefined ? Math.max(configured.maxDelayMs, delayMs) : asked.max_delay_seconds * 1000;
  const retryOn = asked.retry_on?.filter(isErrorClass) ?? configured.retryOn;
  return {
    policy: RETRY_POLICIES.find((policy) => policy === asked.policy) ?? configured.policy,
    jitter: RETRY_JITTERS.find((jitter) => jitter === asked.jitter) ?? configured.jitter,
    ...{ delayMs, maxDelayMs },
    ...(retryOn && { retryOn }),
  };
}
