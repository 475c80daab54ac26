import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MemorySource } from '../../source/memory-source.ts';
import { mutate, seededRandom } from '../../testing/mutation.ts';
import { survives } from '../testing/survives.ts';
import { openNtfs } from './open.ts';
import { makeCompressedFolder } from './testing/content.ts';
import { makeNtfs, ntfs3gAbsent } from './testing/ntfs-3g.ts';

const MUTATIONS = 250;
const RECORD_BYTES = 1024;
/** What files are full of. */
const CONTENT = '#';

describe.skipIf(ntfs3gAbsent !== undefined)('a mutated NTFS volume', () => {
  let folder: string;
  let intact: Uint8Array;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-ntfs-mutation-'));
    const image = await makeNtfs(path.join(folder, 'image'), { args: '-c 1024', sizeBytes: 4 * 2 ** 20, fill });
    intact = new Uint8Array(readFileSync(image));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test.each([1, 2])('is read or ends in a DiskError, seed %d', (seed) => {
    const records = recordsOf(intact);
    const random = seededRandom(seed);
    let failed = 0;
    for (let index = 0; index < MUTATIONS; index++) {
      const mutated = new MemorySource(mutate(intact, records, random));
      if (!survives(() => openNtfs(mutated), 'inner')) failed += 1;
    }
    expect(failed).toBeGreaterThan(MUTATIONS / 8);
  });
});

function fill(mounted: string): void {
  mkdirSync(path.join(mounted, 'a/b/c'), { recursive: true });
  for (const name of ['one', 'a/two', 'a/b/three']) writeFileSync(path.join(mounted, name), CONTENT.repeat(5000));
  for (let index = 0; index < 60; index++) writeFileSync(path.join(mounted, `a/b/${index}`), '');
  symlinkSync('one', path.join(mounted, 'link'));
  const packed = Array.from({ length: 8000 }, (_, index) => index % 77).join(CONTENT);
  writeFileSync(path.join(makeCompressedFolder(mounted), 'packed'), packed);
}

/** Where records and index blocks have something: not what is 0, nor what lies behind the end of a record. */
function recordsOf(bytes: Uint8Array): [start: number, end: number][] {
  const found: [number, number][] = [[11, 80]];
  for (let start = 0; start + RECORD_BYTES <= bytes.length; start += RECORD_BYTES) {
    const magic = String.fromCharCode(...bytes.subarray(start, start + 4));
    if (magic !== 'FILE' && magic !== 'INDX') continue;
    for (let at = start; at < start + RECORD_BYTES; at++) if (bytes[at] !== 0) found.push([at, at + 1]);
  }
  return found;
}
