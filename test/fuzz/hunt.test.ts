import { describe, expect, test } from 'vitest';
import { bugOf } from './ending.ts';
import { FAMILIES } from './families.ts';
import { Hunt } from './hunt.ts';
import { LIMIT } from './limits.ts';

// A short slice of `npm run fuzz`, with the same cases every time.
const CASES = 375;
const SEED_NUMBER = 1;

describe.each(FAMILIES)('images of the family $name', (family) => {
  test('end in a DiskError or are read, within the limits, whatever is changed', () => {
    const hunt = new Hunt(family, family.seeds(), SEED_NUMBER);
    for (let index = 0; index < CASES; index++) {
      const { failure, cpuMs } = hunt.run(hunt.next());
      if (failure !== undefined) throw new Error(`Case ${index}: ${bugOf(failure)}`, { cause: failure });
      expect(cpuMs).toBeLessThan(LIMIT.cpuMs);
    }
    expect(hunt.endings).toBeGreaterThan(3);
    expect(hunt.disturbed()).toEqual([]);
  });
});
