import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeSampleFolder, writeSparse } from '../testing/sample-folder.ts';
import { Damaged } from './testing/damaged.ts';
import { hasE2fsprogs, makeExt, openImage } from './testing/image.ts';

const MIB = 2 ** 20;

describe.skipIf(!hasE2fsprogs)('an ext filesystem', () => {
  let folder: string;
  let sample: string;

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-free-'));
    sample = makeSampleFolder(path.join(folder, 'sample'));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test.each([
    ['-t ext2 -b 1024', 16],
    ['-t ext2 -r 0 -b 1024', 16],
    ['-t ext3 -b 2048', 40],
    ['-t ext4 -b 1024', 70],
    ['-t ext4 -b 1024 -O ^flex_bg', 70],
    ['-t ext4 -b 1024 -O ^metadata_csum,uninit_bg', 70],
    ['-t ext4 -b 1024 -O ^64bit', 70],
    ['-t ext4 -b 1024 -g 512 -O meta_bg,^resize_inode', 40],
    ['-t ext4 -b 1024 -g 512 -O meta_bg,^resize_inode,^flex_bg', 40],
    ['-t ext4 -b 4096 -O sparse_super2', 300],
    ['-t ext4 -b 4096 -O bigalloc -C 16384', 64],
    ['-t ext4 -b 1024 -O bigalloc', 64],
  ])('has free what dumpe2fs says, mke2fs %s, %d MiB', (args, sizeMib) => {
    const image = makeExt(path.join(folder, `${Math.random()}`), { args, from: sample, sizeBytes: sizeMib * MIB });
    const { freeRanges, freeBytes } = openImage(image);
    const ranges = [...(freeRanges?.() ?? [])];
    const perCluster = args.includes('bigalloc') ? (args.includes('-C') ? 4 : 16) : 1;
    expect(ranges).toEqual(freeBlocks(image, perCluster));
    expect(ranges.reduce((sum, { length }) => sum + length, 0)).toBe(freeBytes);
    rmSync(image);
  });

  test('with a damaged bitmap does not say what is free', () => {
    const image = makeExt(path.join(folder, 'damaged'), { args: '-t ext4 -b 1024', sizeBytes: 4 * MIB });
    const damaged = new Damaged(image);
    const [first] = [...(damaged.open().freeRanges?.() ?? [])];
    const bitmap = Number(/Block bitmap at (\d+)/.exec(dump(image))?.[1]) * 1024;
    damaged.bytes[bitmap] = 0;
    expect(first).toBeDefined();
    expect(() => [...(damaged.open().freeRanges?.() ?? [])]).toThrow(
      expect.objectContaining({ kind: 'corrupt', offset: bitmap }),
    );
  });

  test.each(['-t ext4 -b 1024', '-t ext2 -b 1024'])('knows the holes of a file, mke2fs %s', (args) => {
    const from = path.join(folder, `from-${args}`);
    execFileSync('mkdir', [from]);
    writeSparse(path.join(from, 'sparse'), 900_000, [0, 300_000], Buffer.alloc(10_240, 'x'));
    const commands = args.includes('ext4') ? ['fallocate sparse 100 119'] : [];
    const file = openImage(makeExt(path.join(folder, `holes${args}`), { args, from, commands })).root.lookup('sparse');
    const content = file?.open();
    const reserved = [
      { offset: 10_240, length: 92_160, kind: 'absent' },
      { offset: 102_400, length: 20_480, kind: 'zero' },
      { offset: 122_880, length: 176_128, kind: 'absent' },
    ];
    expect(content && 'extents' in content && [...(content as MappedContent).extents()]).toEqual([
      { offset: 0, length: 10_240, kind: 'data' },
      ...(args.includes('ext4') ? reserved : [{ offset: 10_240, length: 288_768, kind: 'absent' }]),
      { offset: 299_008, length: 11_264, kind: 'data' },
      { offset: 310_272, length: 589_728, kind: 'absent' },
    ]);
  });
});

interface MappedContent {
  extents(): Iterable<unknown>;
}

function dump(image: string): string {
  return execFileSync('dumpe2fs', [image], { encoding: 'utf8', stdio: 'pipe', maxBuffer: 64 * MIB });
}

/** The lines `Free blocks: 3-5, 8` of all groups, joined. Of clusters they name the first block. */
function freeBlocks(image: string, perCluster: number): { offset: number; length: number }[] {
  const blockSize = 1024 << readFileSync(image).readUInt32LE(0x418);
  const lists = [...dump(image).matchAll(/^ {2}Free blocks: (.+)$/gm)].map(([, list = '']) => list);
  const joined: { offset: number; length: number }[] = [];
  for (const run of lists.flatMap((list) => list.split(', '))) {
    const [first = 0, last = first] = run.split('-').map(Number);
    const range = { offset: first * blockSize, length: (last - first + perCluster) * blockSize };
    const before = joined.at(-1);
    if (before !== undefined && before.offset + before.length === range.offset) before.length += range.length;
    else joined.push(range);
  }
  return joined;
}
