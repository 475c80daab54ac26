import { describe, expect, test } from 'vitest';
import { VARIANTS } from './catalogue.ts';
import { assertApplies } from './patch.ts';

describe('the broken variants of the chaos suite', () => {
  test('are a dozen at least', () => {
    expect(Object.keys(VARIANTS).length).toBeGreaterThanOrEqual(12);
  });

  test.each(Object.keys(VARIANTS))('"%s" still finds the source text that it breaks', (name) => {
    expect(() => assertApplies(name)).not.toThrow();
  });
});
