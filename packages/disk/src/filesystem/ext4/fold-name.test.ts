import { describe, expect, test } from 'vitest';
import { foldName } from './fold-name.ts';

describe('foldName', () => {
  test.each([
    ['README', 'readme'],
    ['Straße', 'STRASSE'],
    ['ΣΊΣΥΦΟΣ', 'σίσυφος'],
    ['café', 'CAFE\u0301'],
    ['soft\u00adhyphen', 'softhyphen'],
  ])('takes %j and %j for one name', (one, other) => {
    expect(foldName(one)).toBe(foldName(other));
  });

  test.each([
    ['cafe', 'café'],
    ['a', 'b'],
    ['\udcff', '\udcfe'],
  ])('tells %j and %j apart', (one, other) => {
    expect(foldName(one)).not.toBe(foldName(other));
  });
});
