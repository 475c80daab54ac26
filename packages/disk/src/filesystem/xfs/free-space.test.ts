import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasXfsprogs, makeXfs, openImage, xfsDb } from './testing/image.ts';

describe.skipIf(!hasXfsprogs)('the free ranges of an XFS filesystem', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-xfs-free-'));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test.for([
    ['-b size=1024', true],
    ['-b size=4096 -d agcount=4', true],
    ['-b size=4096 -m rmapbt=1', true],
    ['-m crc=0 -b size=512', false],
  ] as const)('are those that xfs_db prints, mkfs.xfs %s', ([args, isFilled], context) => {
    const image = makeXfs(path.join(folder, `${Math.random()}`), { args, ...(isFilled && { fill: fragment }) });
    if (image === undefined) return context.skip('no images can be mounted here');
    const blockSize = Number(/blocksize = (\d+)/.exec(xfsDb(image, 'sb 0', 'print blocksize'))?.[1]);
    const groupBlocks = Number(/agblocks = (\d+)/.exec(xfsDb(image, 'sb 0', 'print agblocks'))?.[1]);
    const expected = new Set<number>();
    // group, first block and length, one run a line; the blocks that trees have at hand are among them
    for (const [, group, first, count] of xfsDb(image, 'freesp -d').matchAll(/^\s*(\d+)\s+(\d+)\s+(\d+)\s*$/gm)) {
      for (let block = 0; block < Number(count); block++) {
        expected.add(Number(group) * groupBlocks + Number(first) + block);
      }
    }
    const free = new Set<number>();
    let end = -1;
    for (const { offset, length } of openImage(image).freeRanges?.() ?? []) {
      expect(offset).toBeGreaterThan(end);
      end = offset + length;
      for (let at = offset; at < end; at += blockSize) free.add(at / blockSize);
    }
    expect(expected.size).toBeGreaterThan(0);
    expect(free).toEqual(expected);
  });
});

/** Leaves so many gaps that they need a tree of two levels, where blocks are small. */
function fragment(folder: string): void {
  for (let index = 0; index < 600; index++) writeFileSync(path.join(folder, `${index}`), new Uint8Array(5000));
  for (let index = 0; index < 600; index += 2) rmSync(path.join(folder, `${index}`));
}
