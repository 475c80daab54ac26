import { describe, expect, test } from 'vitest';
import { MemorySource } from '../../source/memory-source.ts';
import { mutate, seededRandom } from '../../testing/mutation.ts';
import { survives } from '../testing/survives.ts';
import { openFat } from './open.ts';
import { sampleFat } from './testing/sample-image.ts';

const MUTATIONS = 500;

describe('a mutated FAT volume', () => {
  test.each([
    [12, 1],
    [16, 2],
    [32, 3],
  ] as const)('of %d bits is read or ends in a DiskError', (bits, seed) => {
    const { bytes, hot } = sampleFat(bits);
    const random = seededRandom(seed);
    let failed = 0;
    for (let index = 0; index < MUTATIONS; index++) {
      const mutated = new MemorySource(mutate(bytes, hot, random));
      if (!survives(() => openFat(mutated), 'inner file with a long name')) failed += 1;
    }
    expect(failed).toBeGreaterThan(MUTATIONS / 5);
  });
});
