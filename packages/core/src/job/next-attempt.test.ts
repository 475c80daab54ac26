import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Execution } from './document.ts';
import { ERROR_CLASSES, type ErrorClass } from './error-class.ts';
import { type FailedAttempt, nextAttempt } from './next-attempt.ts';
import { RETRY_JITTERS, RETRY_POLICIES, type RetryPolicy } from './retry-policy.ts';

const CLASSES = Object.keys(ERROR_CLASSES) as ErrorClass[];
const PLAIN: RetryPolicy = { policy: 'fixed', delayMs: 1_000, maxDelayMs: 60_000, jitter: 'none' };
const NOW_MS = Date.parse('2026-05-04T08:00:00Z');

describe('nextAttempt', () => {
  test('follows an error of a class that is retried, after the delay of the policy', () => {
    expect(nextAttempt(failed())).toEqual({ kind: 'retry', delayMs: 1_000 });
  });

  test('does not follow the last of max_attempts', () => {
    expect(nextAttempt(failed({ failedAttempts: 2 }))).toEqual({ kind: 'retry', delayMs: 1_000 });
    expect(nextAttempt(failed({ failedAttempts: 3 }))).toEqual({ kind: 'none', because: 'attempts' });
  });

  test('does not follow an error of a class that is retried only when asked for, unless it is', () => {
    const errorClass = 'out-of-memory';
    expect(nextAttempt(failed({ errorClass }))).toEqual({ kind: 'none', because: 'class' });
    const policy: RetryPolicy = { ...PLAIN, retryOn: ['out-of-memory'] };
    expect(nextAttempt(failed({ errorClass, policy }))).toMatchObject({ kind: 'retry' });
    expect(nextAttempt(failed({ errorClass: 'io', policy }))).toEqual({ kind: 'none', because: 'class' });
  });

  test.each(['corrupt', 'unsupported', 'encrypted', 'invalid', 'cancelled'] as const)(
    'never follows an error of the class %s, though everything is asked for',
    (errorClass) => {
      const policy = { ...PLAIN, retryOn: CLASSES };
      expect(nextAttempt(failed({ errorClass, policy }))).toEqual({ kind: 'none', because: 'class' });
    },
  );

  test('does not begin at the deadline, nor after it', () => {
    const deadlineIn = (ms: number) => execution({ deadline: new Date(NOW_MS + ms).toISOString() });
    expect(nextAttempt(failed({ execution: deadlineIn(1_001) }))).toMatchObject({ kind: 'retry' });
    expect(nextAttempt(failed({ execution: deadlineIn(1_000) }))).toEqual({ kind: 'none', because: 'deadline' });
  });

  test('keeps within attempts, cap and deadline, whatever the policy', () => {
    const policy = fc.record({
      policy: fc.constantFrom(...RETRY_POLICIES),
      delayMs: fc.nat(1e7),
      maxDelayMs: fc.nat(1e7),
      jitter: fc.constantFrom(...RETRY_JITTERS),
      retryOn: fc.subarray(CLASSES),
    });
    const chance = fc.double({ min: 0, max: 1, noNaN: true });
    const count = fc.integer({ min: 1, max: 10 });
    fc.assert(
      fc.property(policy, fc.constantFrom(...CLASSES), count, count, fc.nat(1e7), chance, (...given) => {
        const [policy, errorClass, failedAttempts, max_attempts, untilDeadlineMs, share] = given;
        const deadline = new Date(NOW_MS + untilDeadlineMs).toISOString();
        const attempt = { policy, errorClass, failedAttempts, execution: execution({ deadline, max_attempts }) };
        const next = nextAttempt(failed(attempt), () => share);
        if (next.kind === 'none') return;
        expect(failedAttempts).toBeLessThan(max_attempts);
        expect(ERROR_CLASSES[errorClass].retry).not.toBe('never');
        expect(policy.retryOn).toContain(errorClass);
        expect(next.delayMs).toBeLessThanOrEqual(policy.maxDelayMs);
        expect(next.delayMs).toBeLessThan(untilDeadlineMs);
      }),
    );
  });
});

function failed(given: Partial<FailedAttempt> = {}): FailedAttempt {
  return { execution: execution(), policy: PLAIN, errorClass: 'io', failedAttempts: 1, nowMs: NOW_MS, ...given };
}

function execution(given: Partial<Execution> = {}): Execution {
  return { attempt: 1, max_attempts: 3, timeout_seconds: 60, priority: 5, cancellable: true, ...given };
}
