import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seededRandom } from '../../testing/mutation.ts';
import type { FileNode } from '../file-system.ts';
import { setAttribute } from './testing/content.ts';
import { makeNtfs, ntfs3gAbsent, openImage, withNtfs3g } from './testing/ntfs-3g.ts';
import { pack, wimlibAbsent } from './testing/wim.ts';

const PACKINGS = [
  ['XPRESS4K', 'XPRESS', 4096, 0],
  ['LZX', 'LZX', 32_768, 1],
  ['XPRESS8K', 'XPRESS', 8192, 2],
  ['XPRESS16K', 'XPRESS', 16_384, 3],
] as const;

/** Text, a program, noise that does not become smaller, and text again. */
function content(): Buffer {
  const random = seededRandom(5);
  const noise = Buffer.from(Uint8Array.from({ length: 40_000 }, () => random(256)));
  const text = Buffer.from(Array.from({ length: 20_000 }, () => `word ${random(500)}`).join(' '));
  return Buffer.concat([text, readFileSync(process.execPath).subarray(0, 200_000), noise, text.subarray(0, 12_345)]);
}

describe.skipIf(ntfs3gAbsent !== undefined || wimlibAbsent !== undefined)('a file that WOF packed', () => {
  const original = content();
  let folder: string;
  let image: string;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-wof-'));
    image = await makeNtfs(path.join(folder, 'image'), {});
    await withNtfs3g(image, 'rw', fill, 'windows');
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test.each(PACKINGS)('by %s is what was packed', (name) => {
    const packed = node(name);
    const bytes = packed.open();
    expect(packed.stat.sizeBytes).toBe(original.length);
    expect(original.equals(bytes.read(0, bytes.sizeBytes))).toBe(true);
    expect(original.subarray(70_000, 110_001).equals(bytes.read(70_000, 40_001))).toBe(true);
    expect([...(packed.streams?.().keys() ?? [])]).toEqual([]);
  });

  test('in an archive is refused by name', () => {
    expect(() => node('archived').open()).toThrow(
      expect.objectContaining({ kind: 'unsupported', message: expect.stringContaining('WIM archive') }),
    );
  });

  test.each([
    ['without its stream', /no stream/],
    ['with a table that does not fit', /packed chunk 0|Cannot read/],
    ['with chunks that do not unpack', /Cannot read packed chunk 0/],
  ])('%s ends in a DiskError', (name, message) => {
    const read = () => node(name).open().read(0, 1);
    expect(read).toThrow(expect.objectContaining({ kind: 'corrupt', message: expect.stringMatching(message) }));
  });

  function node(name: string): FileNode {
    return openImage(image).root.lookup(name) as FileNode;
  }

  function fill(mounted: string): void {
    const make = (name: string, stream: Buffer | undefined, provider: number, algorithm: number) => {
      const file = path.join(mounted, name);
      writeFileSync(file, '');
      truncateSync(file, original.length);
      if (stream !== undefined) writeFileSync(`${file}:WofCompressedData`, stream);
      setAttribute(file, 'system.ntfs_reparse_data', wofPoint(provider, algorithm));
    };
    for (const [name, compression, chunkBytes, algorithm] of PACKINGS) {
      make(name, pack(original, compression, chunkBytes), 2, algorithm);
    }
    make('archived', undefined, 1, 0);
    make('without its stream', undefined, 2, 0);
    make('with a table that does not fit', Buffer.alloc(100, 0xff), 2, 0);
    const tableBytes = (Math.ceil(original.length / 4096) - 1) * 4;
    const table = Buffer.alloc(tableBytes);
    table.writeUInt32LE(300, 0);
    make('with chunks that do not unpack', Buffer.concat([table, Buffer.alloc(400, 0xff)]), 2, 0);
  }
});

function wofPoint(provider: number, algorithm: number): Buffer {
  const point = Buffer.alloc(24);
  point.writeUInt32LE(0x80000017, 0);
  point.writeUInt16LE(16, 4);
  for (const [index, value] of [1, provider, 1, algorithm].entries()) point.writeUInt32LE(value, 8 + index * 4);
  return point;
}
