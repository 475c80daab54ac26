import { describe, expect, test } from 'vitest';
import { checkAges, readAges } from './ages.ts';

describe('ages of states', () => {
  test.each([
    [['30d'], { completed: 2_592_000_000, failed: 2_592_000_000, cancelled: 2_592_000_000, timeout: 2_592_000_000 }],
    [['never'], {}],
    [['12h', 'failed=never', 'timeout=5m'], { completed: 43_200_000, cancelled: 43_200_000, timeout: 300_000 }],
    [['failed=10s'], { failed: 10_000 }],
    [[], {}],
  ])('%j are read', (ages, expected) => {
    checkAges(ages);
    expect(Object.fromEntries(readAges(ages))).toEqual(expected);
  });

  test.each(['30', 'd', '30 d', 'running=3d', 'failed=', '-1d', ''])('"%s" is refused', (age) => {
    expect(() => checkAges([age])).toThrow('AGE or STATE=AGE');
  });
});
