import { describe, expect, test } from 'vitest';
import { type PassedMark, passedMarks, type Readings } from './marks.ts';

const waiting = (value: number, mark = 100): Readings => new Map([['waiting', { value, mark }]]);
const PASSED: readonly PassedMark[] = [{ gauge: 'waiting', value: 101, mark: 100 }];

describe('passedMarks', () => {
  test('names a gauge once it is beyond its mark', () => {
    expect(passedMarks(waiting(100), [])).toEqual([]);
    expect(passedMarks(waiting(101), [])).toEqual(PASSED);
  });

  test('lets go of it only a tenth below the mark', () => {
    expect(passedMarks(waiting(91), PASSED)).toEqual([{ gauge: 'waiting', value: 91, mark: 100 }]);
    expect(passedMarks(waiting(90), PASSED)).toEqual([]);
    expect(passedMarks(waiting(95), [])).toEqual([]);
  });

  test('keeps its word on what cannot be read', () => {
    expect(passedMarks(new Map(), PASSED)).toEqual(PASSED);
    expect(passedMarks(new Map([['outbox', { value: 1, mark: 2 }]]), PASSED)).toEqual(PASSED);
  });

  test('knows no bound where the mark is 0', () => {
    expect(passedMarks(waiting(1e9, 0), [])).toEqual([]);
  });

  test('names every gauge that is beyond its mark', () => {
    const readings: Readings = new Map([
      ['outbox', { value: 3, mark: 2 }],
      ['recorder', { value: 3, mark: 2 }],
    ]);
    expect(passedMarks(readings, []).map(({ gauge }) => gauge)).toEqual(['outbox', 'recorder']);
  });
});
