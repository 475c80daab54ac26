import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { withMounted } from '../../../../../../test/support/loop-mount.ts';
import { MemorySource } from '../../../source/memory-source.ts';
import { mutate, seededRandom } from '../../../testing/mutation.ts';
import { survives } from '../../testing/survives.ts';
import { openExt4 } from '../open.ts';
import { hasE2fsprogs, makeExt } from '../testing/image.ts';

const MUTATIONS = 150;
const BLOCK_SIZE = 1024;
const HEADER_AND_TAGS = 64;

describe.skipIf(!hasE2fsprogs)('a mutated journal', () => {
  // without checksums, so that what is changed is believed
  test('is replayed, or said not to be', (context) => {
    const bytes = dirtyImage('-t ext4 -b 1024 -J size=1 -O ^metadata_csum');
    if (bytes === undefined) return context.skip('no images can be mounted here');
    const blocks = journalBlocks(bytes);
    const random = seededRandom(5);
    const outcomes = new Set<boolean>();
    for (let index = 0; index < MUTATIONS; index++) {
      const mutated = new MemorySource(mutate(bytes, blocks, random));
      survives(() => {
        const fileSystem = openExt4(mutated);
        outcomes.add(fileSystem.warnings.some((warning) => warning.includes('journal not replayed')));
        return fileSystem;
      }, 'inner');
    }
    expect(outcomes).toEqual(new Set([true, false]));
  });
});

function dirtyImage(args: string): Uint8Array | undefined {
  const folder = mkdtempSync(path.join(tmpdir(), 'guestkit-journal-'));
  try {
    const image = makeExt(path.join(folder, 'image'), { args, sizeBytes: 3 * 2 ** 20 });
    const torn = path.join(folder, 'torn');
    return withMounted(image, 'rw', (target) => {
      for (const name of ['one', 'two', 'three']) writeFileSync(path.join(target, name), name, { flush: true });
      rmSync(path.join(target, 'one'));
      writeFileSync(path.join(target, 'four'), 'four', { flush: true });
      copyFileSync(image, torn);
      return new Uint8Array(readFileSync(torn));
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The beginnings of the blocks that are the journal's own. */
function journalBlocks(bytes: Uint8Array): [start: number, end: number][] {
  const offsets = Array.from({ length: bytes.length / BLOCK_SIZE }, (_, block) => block * BLOCK_SIZE);
  const own = offsets.filter((offset) => new DataView(bytes.buffer).getUint32(offset) === 0xc03b3998);
  return own.map((offset) => [offset, offset + HEADER_AND_TAGS]);
}
