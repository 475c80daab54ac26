import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MemorySource } from '../../source/memory-source.ts';
import { mutate, seededRandom } from '../../testing/mutation.ts';
import { writeSparse } from '../testing/sample-folder.ts';
import { survives } from '../testing/survives.ts';
import { openExt4 } from './open.ts';
import { Damaged } from './testing/damaged.ts';
import { hasE2fsprogs, makeExt } from './testing/image.ts';

const MUTATIONS = 600;
/** What files are full of. */
const CONTENT = '#';

describe.skipIf(!hasE2fsprogs)('a mutated ext filesystem', () => {
  let folder: string;
  let from: string;

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-mutation-'));
    from = path.join(folder, 'from');
    mkdirSync(path.join(from, 'a/b/c'), { recursive: true });
    for (const name of ['one', 'two', 'a/three', 'a/b/four']) writeFileSync(path.join(from, name), CONTENT.repeat(150));
    symlinkSync('one', path.join(from, 'link'));
    symlinkSync(CONTENT.repeat(100), path.join(from, 'a/long'));
    writeSparse(
      path.join(from, 'holes'),
      300_000,
      [0, 10_000, 50_000, 100_000, 200_000],
      Buffer.from(CONTENT.repeat(5000)),
    );
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test.each([
    ['-t ext4 -b 1024 -O ^metadata_csum,^has_journal', 1],
    ['-t ext2 -b 1024 -I 128', 2],
    ['-t ext4 -b 1024 -O inline_data,^metadata_csum,^has_journal', 3],
    ['-t ext4 -b 1024 -O bigalloc,^metadata_csum,^has_journal', 4],
  ])('is read or ends in a DiskError: mke2fs %s', (args, seed) => {
    const commands = ['ea_set one user.note text'];
    const image = makeExt(path.join(folder, `${seed}`), {
      args: `${args} -N 64`,
      from,
      sizeBytes: 600 * 1024,
      commands,
    });
    const intact = new Damaged(image).bytes;
    const metadata = metadataOf(intact);
    const random = seededRandom(seed);
    let failed = 0;
    for (let index = 0; index < MUTATIONS; index++) {
      const mutated = new MemorySource(mutate(intact, metadata, random));
      if (!survives(() => openExt4(mutated), 'inner')) failed += 1;
    }
    expect(failed).toBeGreaterThan(MUTATIONS / 4);
  });
});

/** Where metadata is: not free space, which is 0, nor content, nor bitmaps, which are ones behind their end. */
function metadataOf(bytes: Uint8Array): [start: number, end: number][] {
  const idle = [0, 0xff, CONTENT.charCodeAt(0)];
  const used = [...bytes.keys()].filter((offset) => offset >= 1024 && !idle.includes(bytes[offset] ?? 0));
  return used.map((offset) => [offset, Math.min(offset + 4, bytes.length)]);
}
