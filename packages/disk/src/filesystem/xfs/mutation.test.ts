import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MemorySource } from '../../source/memory-source.ts';
import { mutate, seededRandom } from '../../testing/mutation.ts';
import { survives } from '../testing/survives.ts';
import { openXfs } from './open.ts';
import { fillWithAttributes, fillWithExtents } from './testing/content.ts';
import { hasXfsprogs, MEBIBYTE, makeXfs } from './testing/image.ts';
import { CONTENT, makePrototype } from './testing/prototype.ts';
import { sealAll } from './testing/seal.ts';

const MUTATIONS = 40;

describe.skipIf(!hasXfsprogs)('a mutated XFS filesystem', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-xfs-mutation-'));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test('of version 4 is read or ends in a DiskError', () => {
    const args = `-m crc=0 -b size=1024 -d agcount=1 -p ${makePrototype(folder)}`;
    const image = makeXfs(path.join(folder, '4'), { args, sizeBytes: 16 * MEBIBYTE }) as string;
    expectTold(new Uint8Array(readFileSync(image)), (bytes) => bytes, 1);
  });

  test('of version 5 whose checksums are right is read or ends in a DiskError', (context) => {
    const fill = (target: string) => {
      fillWithAttributes(target);
      fillWithExtents(target);
    };
    const image = makeXfs(path.join(folder, '5'), { args: '-b size=1024', sizeBytes: 20 * MEBIBYTE, fill });
    if (image === undefined) return context.skip('no images can be mounted here');
    expectTold(new Uint8Array(readFileSync(image)), (bytes) => sealAll(bytes, 1024, 512), 2);
  });

  function expectTold(intact: Uint8Array, seal: (bytes: Uint8Array) => Uint8Array, seed: number): void {
    const metadata = metadataOf(intact);
    const random = seededRandom(seed);
    let failed = 0;
    for (let index = 0; index < MUTATIONS; index++) {
      const mutated = new MemorySource(seal(mutate(intact, metadata, random)));
      if (!survives(() => openXfs(mutated), 'name-1')) failed += 1;
    }
    expect(failed).toBeGreaterThan(MUTATIONS / 10);
  }
});

/** Where metadata is: blocks that begin with a magic number or hold inodes, as far as there is something in them. */
function metadataOf(bytes: Uint8Array): [start: number, end: number][] {
  const ranges: [start: number, end: number][] = [];
  for (let at = 0; at < bytes.length; at += 512) {
    const magic = Buffer.from(bytes.buffer, at, 4).toString('latin1');
    const isMetadata = /^(XFSB|XAG[FI]|XD|AB|BMA|IN|XSLM|XARM)/.test(magic);
    if (!isMetadata || bytes[at] === CONTENT.charCodeAt(0)) continue;
    let end = at + 512;
    while (end > at && bytes[end - 1] === 0) end--;
    ranges.push([at, end]);
  }
  return ranges;
}
