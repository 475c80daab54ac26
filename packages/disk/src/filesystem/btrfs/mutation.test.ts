import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { mutate, seededRandom } from '../../testing/mutation.ts';
import { survives } from '../testing/survives.ts';
import { Damaged } from './testing/damaged.ts';
import { hasBtrfsProgs } from './testing/image.ts';
import { makeSmallImage } from './testing/small-image.ts';

const MUTATIONS = 300;

test.skipIf(!hasBtrfsProgs)(
  'a mutated btrfs filesystem, its checksums made anew, is read or ends in a DiskError',
  () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'guestkit-mutation-'));
    const intact = new Damaged(makeSmallImage(folder));
    rmSync(folder, { recursive: true });
    const metadata = metadataOf(intact);
    const random = seededRandom(11);
    let failed = 0;
    const damaged = new Damaged(intact.bytes);
    for (let index = 0; index < MUTATIONS; index++) {
      damaged.bytes.set(intact.bytes);
      const [start, bytes] = mutateOne(intact, metadata, random);
      damaged.bytes.set(bytes, start);
      if (!survives(() => damaged.seal().open(), 'inner')) failed += 1;
    }
    expect(failed).toBeGreaterThan(MUTATIONS / 4);
  },
);

/** One block, or the superblock, with a few bytes changed where there are any. */
function mutateOne(
  intact: Damaged,
  blocks: readonly number[],
  random: (bound: number) => number,
): [number, Uint8Array] {
  const start = blocks[random(blocks.length)] as number;
  const block = intact.bytes.subarray(start, start + intact.nodeSize);
  const used = [...block.keys()].filter((offset) => offset >= 32 && block[offset] !== 0);
  return [
    start,
    mutate(
      block,
      used.map((offset) => [offset, offset + 1]),
      random,
    ),
  ];
}

/** The blocks that are in use: a tree of each kind has one here, its newest. */
function metadataOf(image: Damaged): number[] {
  const trees = [1, 3, 5, 7].map((tree) => image.block(tree)).filter((offset) => offset !== undefined);
  return [0x10000, ...trees, ...trees];
}
