import { describe, expect, test } from 'vitest';
import { age } from './client-command.ts';
import { filterOf } from './job-filter.ts';

describe('filterOf', () => {
  test('names what is given as the API does, and leaves out what is not', () => {
    expect(filterOf({})).toEqual({});
    expect(filterOf({ status: ['failed'], label: { tier: 'web', query: 'a=b' }, nameContains: 'nightly' })).toEqual({
      status: ['failed'],
      label: ['tier=web', 'query=a=b'],
      name: 'nightly',
    });
    expect(filterOf({ archived: true, since: '2026-05-04T08:00:00Z' })).toEqual({
      archived: 'true',
      submitted_since: '2026-05-04T08:00:00Z',
    });
  });

  test('counts an age back from now', () => {
    expect(filterOf({ olderThan: age('2d') }, Date.UTC(2026, 4, 4))).toEqual({
      completed_until: '2026-05-02T00:00:00.000Z',
    });
  });
});

describe('age', () => {
  test.each([
    ['90s', 90_000],
    ['15m', 900_000],
    ['12h', 43_200_000],
    ['30d', 2_592_000_000],
  ])('reads %s', (text, ms) => {
    expect(age(text)).toBe(ms);
  });

  test.each(['', '30', 'd', '1.5h', '-1d', '1y'])('refuses "%s"', (text) => {
    expect(() => age(text)).toThrow('expected an age');
  });
});
