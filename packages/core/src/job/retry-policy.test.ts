import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RETRY_JITTERS, RETRY_POLICIES, type RetryPolicy, retryDelayMs, retryPolicyOf } from './retry-policy.ts';

const PLAIN: RetryPolicy = { policy: 'fixed', delayMs: 1_000, maxDelayMs: 60_000, jitter: 'none' };

const failures = fc.integer({ min: 1, max: 100_000 });
const chance = fc.double({ min: 0, max: 1, noNaN: true });
const policies: fc.Arbitrary<RetryPolicy> = fc.record({
  policy: fc.constantFrom(...RETRY_POLICIES),
  delayMs: fc.nat(),
  maxDelayMs: fc.nat(),
  jitter: fc.constantFrom(...RETRY_JITTERS),
});

describe('retryDelayMs', () => {
  test.each([
    ['fixed', [1_000, 1_000, 1_000, 1_000]],
    ['linear', [1_000, 2_000, 3_000, 4_000]],
    ['exponential', [1_000, 2_000, 4_000, 8_000]],
  ] as const)('of the policy %s goes %j', (policy, expected) => {
    const delays = [1, 2, 3, 4].map((failed) => retryDelayMs({ ...PLAIN, policy }, failed, () => 0));
    expect(delays).toEqual(expected);
  });

  test('is never beyond the cap, below nought, or a fraction', () => {
    fc.assert(
      fc.property(policies, failures, chance, (policy, failed, share) => {
        const delay = retryDelayMs(policy, failed, () => share);
        return Number.isInteger(delay) && delay >= 0 && delay <= policy.maxDelayMs;
      }),
    );
  });

  test('with full jitter is a share of the delay without', () => {
    fc.assert(
      fc.property(policies, failures, chance, (policy, failed, share) => {
        const whole = retryDelayMs({ ...policy, jitter: 'none' }, failed, () => share);
        expect(retryDelayMs({ ...policy, jitter: 'full' }, failed, () => share)).toBe(Math.round(whole * share));
      }),
    );
  });

  test('grows by the same with each failure when linear, and doubles when exponential, up to the cap', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000 }),
        fc.integer({ min: 1, max: 30 }),
        fc.nat(),
        (base, failed, cap) => {
          const delayOf = (policy: RetryPolicy['policy']) =>
            retryDelayMs({ policy, delayMs: base, maxDelayMs: cap, jitter: 'none' }, failed, () => 0);
          expect(delayOf('linear')).toBe(Math.min(cap, base * failed));
          expect(delayOf('exponential')).toBe(Math.min(cap, base * 2 ** (failed - 1)));
        },
      ),
    );
  });

  test('never shrinks from one failure to the next', () => {
    fc.assert(
      fc.property(policies, failures, (policy, failed) => {
        const plain = { ...policy, jitter: 'none' as const };
        return retryDelayMs(plain, failed + 1, () => 0) >= retryDelayMs(plain, failed, () => 0);
      }),
    );
  });
});

describe('retryPolicyOf', () => {
  const configured: RetryPolicy = { ...PLAIN, retryOn: ['io'] };

  test('is the configured one where a document says nothing', () => {
    expect(retryPolicyOf(undefined, configured)).toEqual(configured);
    expect(retryPolicyOf({}, configured)).toEqual(configured);
    expect(retryPolicyOf({}, PLAIN)).toEqual(PLAIN);
  });

  test('takes each member that a document gives', () => {
    const asked = { policy: 'linear', delay_seconds: 2, max_delay_seconds: 5, jitter: 'full', retry_on: ['crash'] };
    expect(retryPolicyOf(asked, configured)).toEqual({
      ...{ policy: 'linear', delayMs: 2_000, maxDelayMs: 5_000, jitter: 'full', retryOn: ['crash'] },
    });
  });

  test('does not cut a longer delay that is asked for by the configured cap', () => {
    expect(retryPolicyOf({ delay_seconds: 300 }, configured)).toMatchObject({ delayMs: 300_000, maxDelayMs: 300_000 });
    expect(retryPolicyOf({ max_delay_seconds: 0 }, configured)).toMatchObject({ delayMs: 1_000, maxDelayMs: 0 });
  });
});
