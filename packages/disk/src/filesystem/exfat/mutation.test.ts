import { expect, test } from 'vitest';
import { MemorySource } from '../../source/memory-source.ts';
import { mutate, seededRandom } from '../../testing/mutation.ts';
import { survives } from '../testing/survives.ts';
import { openExfat } from './open.ts';
import { CLUSTER, ExfatImage, entrySet, FOLDER, ROOT_CLUSTER } from './testing/exfat-image.ts';

const MUTATIONS = 500;

test('a mutated exFAT volume is read or ends in a DiskError', () => {
  const image = sample();
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

function sample(): ExfatImage {
  const image = new ExfatImage();
  image.chain(20, 21, 25, 24);
  image.chain(8);
  image.chain(9);
  image.fill(
    ROOT_CLUSTER,
    entrySet({ name: 'file', cluster: 20, size: 4000 }),
    entrySet({ name: 'a row of clusters', cluster: 40, size: 3000, isRow: true }),
    entrySet({ name: 'folder', attributes: FOLDER, cluster: 8, size: CLUSTER }),
  );
  image.fill(
    8,
    entrySet({ name: 'inner', attributes: FOLDER, cluster: 9, size: CLUSTER, isRow: true }),
    entrySet({ name: 'second', cluster: 44, size: 10, validSize: 5, isRow: true }),
  );
  return image;
}
