import type { Execution } from './document.ts';
import { type ErrorClass, isRetried } from './error-class.ts';
import { type RetryPolicy, retryDelayMs } from './retry-policy.ts';
import { epochMsOf } from './timestamp.ts';

/** Why a job is not tried again: errors of its class are not; it had as many attempts as it may; the next would come too late. */
export type EndCause = 'class' | 'attempts' | 'deadline';

export type NextAttempt =
  | { readonly kind: 'retry'; readonly delayMs: number }
  | { readonly kind: 'none'; readonly because: EndCause };

export interface FailedAttempt {
  readonly execution: Execution;
  readonly policy: RetryPolicy;
  readonly errorClass: ErrorClass;
  /** This one included, those whose worker vanished not. */
  readonly failedAttempts: number;
  readonly nowMs: number;
}

/** What follows a failed attempt. */
export function nextAttempt(failed: FailedAttempt, random: () => number = Math.random): NextAttempt {
  const { execution, policy, errorClass, failedAttempts, nowMs } = failed;
  if (errorClass === 'deadline') return { kind: 'none', because: 'deadline' };
  if (!isRetried(errorClass, policy.retryOn)) return { kind: 'none', because: 'class' };
  if (failedAttempts >= execution.max_attempts) return { kind: 'none', because: 'attempts' };
  const delayMs = retryDelayMs(policy, failedAttempts, random);
  const { deadline } = execution;
  if (deadline !== undefined && nowMs + delayMs >= epochMsOf(deadline)) return { kind: 'none', because: 'deadline' };
  return { kind: 'retry', delayMs };
}
