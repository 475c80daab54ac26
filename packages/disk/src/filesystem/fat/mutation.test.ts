import { describe, expect, test } from 'vitest';
import { DiskError } from '../../error.ts';
import { MemorySource } from '../../source/memory-source.ts';
import { mutate, seededRandom } from '../../testing/mutation.ts';
import { readNode } from '../ext4/testing/read-all.ts';
import { createFileTree } from '../tree.ts';
import { openFat } from './open.ts';
import { entry, FatImage, FOLDER, longSlots } from './testing/fat-image.ts';

const MUTATIONS = 500;

describe('a mutated FAT volume', () => {
  test.each([
    [12, 1],
    [16, 2],
    [32, 3],
  ] as const)('of %d bits is read or ends in a DiskError', (bits, seed) => {
    const { bytes, hot } = sample(bits);
    const random = seededRandom(seed);
    let failed = 0;
    for (let index = 0; index < MUTATIONS; index++) if (!survives(mutate(bytes, hot, random))) failed += 1;
    expect(failed).toBeGreaterThan(MUTATIONS / 5);
  });
});

/** Whether all of it was read. @throws what is not a DiskError */
function survives(bytes: Uint8Array): boolean {
  let isIntact = true;
  const attempt = (action: () => void) => {
    try {
      action();
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      isIntact = false;
    }
  };
  attempt(() => {
    const fileSystem = openFat(new MemorySource(bytes));
    const onUnreadable = () => {
      isIntact = false;
    };
    attempt(() => fileSystem.freeBytes);
    for (const { node } of createFileTree(fileSystem).walk('/', { onUnreadable })) {
      attempt(() => node.stat.links);
      attempt(() => readNode(node));
      attempt(() => node.stat.type === 'directory' && node.lookup('inner file with a long name'));
    }
  });
  return isIntact;
}

function sample(bits: 12 | 16 | 32): { readonly bytes: Uint8Array; readonly hot: [start: number, end: number][] } {
  const image = new FatImage(bits);
  const folder = (name: string, cluster: number) => entry({ name: name.padEnd(11), attributes: FOLDER, cluster });
  const inner = 'INNERF~1   ';
  image.fill('root', entry({ name: 'FILE    BIN', cluster: 20, size: 3000 }), folder('FOLDER', 8), folder('OTHER', 9));
  image.fill(
    8,
    folder('.', 8),
    folder('..', 0),
    ...longSlots('inner file with a long name', inner),
    entry({ name: inner, cluster: 40, size: 700 }),
    folder('INNER', 10),
  );
  image.chain(20, 21, 22, 25, 24, 23);
  image.chain(40, 42);
  for (const cluster of [8, 9, 10]) image.chain(cluster);
  const table: [number, number] = [image.tableOffset, image.tableOffset + Math.ceil((45 * bits) / 8)];
  return {
    bytes: image.bytes,
    hot: [
      [11, 50],
      table,
      table,
      [image.rootOffset, image.rootOffset + 96],
      [image.offsetOf(8), image.offsetOf(8) + 224],
    ],
  };
}
