import { describe, expect, test } from 'vitest';
import { DEFAULT_RETRY_POLICY } from '../job/retry-policy.ts';
import { readRetrySettings } from './retry-setting.ts';

describe('readRetrySettings', () => {
  test('reads policy, delay, cap, jitter and classes of an operation', () => {
    const { operations } = readRetrySettings(['guestkit.inspect=linear:500ms:2m:none:io+no-space', 'a.b=fixed:1h']);
    expect(operations.get('guestkit.inspect')).toEqual({
      ...{ policy: 'linear', delayMs: 500, maxDelayMs: 120_000, jitter: 'none', retryOn: ['io', 'no-space'] },
    });
    expect(operations.get('a.b')).toMatchObject({ policy: 'fixed', delayMs: 3_600_000, maxDelayMs: 3_600_000 });
  });

  test('fills in what is left out', () => {
    expect(readRetrySettings(['a.b=exponential']).operations.get('a.b')).toEqual(DEFAULT_RETRY_POLICY);
  });

  test('takes * for the operations that are not named', () => {
    expect(readRetrySettings([]).others).toBe(DEFAULT_RETRY_POLICY);
    expect(readRetrySettings(['*=fixed:3s']).others).toMatchObject({ policy: 'fixed', delayMs: 3_000 });
    expect(readRetrySettings(['*=fixed:3s']).operations.size).toBe(0);
  });

  test.each([
    ['exponential:1s', /^must be like guestkit\.inspect=exponential:1s:60s, got/],
    ['a.b=often', /^must have one of fixed, linear, exponential, got "often"/],
    ['a.b=fixed:1', /^must have durations like 500ms, 5s, 2m or 1h, got "1"/],
    ['a.b=fixed:200h', /^must not wait for longer than a week, got "200h"/],
    ['a.b=fixed:2s:1s', /^must not have a delay beyond its cap/],
    ['a.b=fixed:1s:2s:some', /^must have one of full, none, got "some"/],
    ['a.b=fixed:1s:2s:full:rain', /^must name classes of io, .*, got "rain"/],
    ['a.b=fixed:1s:2s:full:io:x', /^must have at most five parts/],
  ])('refuses %s', (setting, reason) => {
    expect(() => readRetrySettings([setting])).toThrow(reason);
  });
});
