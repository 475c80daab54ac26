import { describe, expect, test } from 'vitest';
import { Declined } from './declined.ts';

describe('Declined', () => {
  test('lets a job go on to others at once, and later for longer', () => {
    const declined = new Declined(() => 0);
    const delays = Array.from({ length: 6 }, () => declined.delayMs('job-1'));
    expect(delays).toEqual([20, 20, 20, 20, 500, 500]);
  });

  test('counts each job alone, and spreads the delays', () => {
    const declined = new Declined(() => 1);
    expect([declined.delayMs('job-1'), declined.delayMs('job-2')]).toEqual([40, 40]);
  });

  test('forgets what it declined long ago', () => {
    const declined = new Declined(() => 0);
    for (let n = 0; n < 5; n += 1) declined.delayMs('job-old');
    for (let n = 0; n < 1_000; n += 1) declined.delayMs(`job-${n}`);
    expect(declined.delayMs('job-old')).toBe(20);
  });
});
