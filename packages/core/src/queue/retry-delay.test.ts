import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { retryDelayMs } from './retry-delay.ts';

const DELAY = { baseMs: 1_000, capMs: 60_000 };

describe('retryDelayMs', () => {
  test.each([
    [1, 500, 1_000],
    [2, 1_000, 2_000],
    [3, 2_000, 4_000],
    [7, 30_000, 60_000],
    [50, 30_000, 60_000],
    [2_000, 30_000, 60_000],
  ])('waits after failure %i between %i and %i ms', (failures, least, most) => {
    expect(retryDelayMs(failures, DELAY, () => 0)).toBe(least);
    expect(retryDelayMs(failures, DELAY, () => 1)).toBe(most);
  });

  test('never waits longer than the cap, nor not at all', () => {
    const random = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), random, (failures, chance) => {
        const delay = retryDelayMs(failures, DELAY, () => chance);
        return delay >= DELAY.baseMs / 2 && delay <= DELAY.capMs;
      }),
    );
  });
});
