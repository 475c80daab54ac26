import { describe, expect, test } from 'vitest';
import { parseJobDocument } from './parse.ts';

describe('execution.retry', () => {
  test('may leave out any member, or be null', () => {
    for (const retry of [null, {}, { policy: 'fixed' }, { retry_on: [] }, { delay_seconds: 604_800 }]) {
      expect(post(retry).warnings).toEqual([]);
    }
  });

  test.each([
    [{ policy: 'often' }, "policy - must be one of [fixed, linear, exponential], got 'often'"],
    [{ delay_seconds: 604_801 }, 'delay_seconds - must be at most 604800 (a week), got 604801'],
    [{ max_delay_seconds: 604_801 }, 'max_delay_seconds - must be at most 604800 (a week), got 604801'],
    [{ delay_seconds: 9, max_delay_seconds: 8 }, 'delay_seconds - 9 is more than max_delay_seconds 8'],
    [{ jitter: 'some' }, "jitter - must be one of [full, none], got 'some'"],
  ])('is refused as %j', (retry, reason) => {
    const message = `Job validation failed: Invalid field value: execution.retry.${reason}`;
    expect(() => post(retry)).toThrow(expect.objectContaining({ stage: 'validation', message }));
  });

  test('is refused with a class that there is not, naming those there are', () => {
    const [field, reason] = ['execution.retry.retry_on', /must be of \[io, unreachable, .*\], got 'rain'$/];
    expect(() => post({ retry_on: ['io', 'rain'] })).toThrow(
      expect.objectContaining({ field, message: expect.stringMatching(reason) }),
    );
  });

  test('is let pass with a warning when it names classes that are never retried', () => {
    expect(post({ retry_on: ['io', 'corrupt', 'unsupported'] }).warnings).toEqual([
      'execution.retry.retry_on names corrupt, unsupported: errors of these classes are never retried',
    ]);
  });
});

function post(retry: unknown) {
  return parseJobDocument(JSON.stringify({ operation: 'a.b', payload: { data: 1 }, execution: { retry } }), 'http');
}
