import { expect, test } from 'vitest';
import { MemorySource } from '../../source/memory-source.ts';
import { mutate, seededRandom } from '../../testing/mutation.ts';
import { survives } from '../testing/survives.ts';
import { openExfat } from './open.ts';
import { ExfatImage, ROOT_CLUSTER } from './testing/exfat-image.ts';
import { sampleExfat } from './testing/sample-image.ts';

const MUTATIONS = 500;

test('a mutated exFAT volume is read or ends in a DiskError', () => {
  const image = sampleExfat();
  const root = image.offsetOf(ROOT_CLUSTER);
  const table: [number, number] = [image.linkOf(0), image.linkOf(45)];
  const hot = [[72, 113], table, table, [root, root + 400], [image.offsetOf(8), image.offsetOf(8) + 200]] as const;
  const random = seededRandom(7);
  let failed = 0;
  for (let index = 0; index < MUTATIONS; index++) {
    const mutated = new ExfatImage();
    mutated.bytes.set(mutate(image.bytes, hot, random));
    if (!survives(() => openExfat(new MemorySource(mutated.sealed())), 'inner')) failed += 1;
  }
  expect(failed).toBeGreaterThan(MUTATIONS / 4);
});
