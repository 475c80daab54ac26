import { describe, expect, test } from 'vitest';
import type { DiskErrorKind } from '../../error.ts';
import { MemorySource } from '../../source/memory-source.ts';
import { corpusAbsent, corpusFiles, readCorpus } from '../../testing/corpus.ts';
import { misbehaviour, mutate, seededRandom } from '../../testing/mutation.ts';
import { openImage } from '../open.ts';
import { denyReferences } from '../references.ts';
import { BLOCK_FREE, BLOCK_ZERO } from './layout.ts';
import { vdi } from './testing.ts';

const valid = () =>
  vdi({ blocks: [Buffer.alloc(4096, 1), BLOCK_FREE, Buffer.alloc(4096, 2), BLOCK_ZERO, Buffer.alloc(4096, 3)] });

/** Opens, maps and reads as much as a hostile size allows. */
function readAll(bytes: Uint8Array): void {
  const image = openImage(new MemorySource(bytes), { claimedFormat: 'vdi', references: denyReferences });
  let count = 0;
  for (const _ of image.extents()) if (++count > 10_000) break;
  const most = Math.min(image.sizeBytes, 2 ** 20);
  image.read(0, most);
  image.read(image.sizeBytes - most, most);
}

interface Hostile {
  readonly what: string;
  readonly change: (bytes: Buffer) => unknown;
  /** `corrupt` when left out. */
  readonly kind?: DiskErrorKind;
  /** Where the error must say it is. */
  readonly at: number;
}

const u32 = (at: number, value: number) => (bytes: Buffer) => bytes.writeUInt32LE(value, at);
const u64 = (at: number, value: bigint) => (bytes: Buffer) => bytes.writeBigUInt64LE(value, at);

const HOSTILE: readonly Hostile[] = [
  { what: 'version 1.0', change: u32(0x44, 0x00010000), kind: 'unsupported', at: 0x44 },
  { what: 'version 2', change: u32(0x44, 0x00020000), kind: 'unsupported', at: 0x44 },
  { what: 'a header of no bytes', change: u32(0x48, 0), at: 0x48 },
  { what: 'a header of 4 GiB', change: u32(0x48, 0xffffffff), at: 0x154 },
  { what: 'type 0', change: u32(0x4c, 0), kind: 'unsupported', at: 0x4c },
  { what: 'type 5', change: u32(0x4c, 5), kind: 'unsupported', at: 0x4c },
  { what: 'a differencing type without a parent', change: u32(0x4c, 4), at: 0x1a8 },
  { what: 'a parent without a differencing type', change: u32(0x1a8, 7), at: 0x1a8 },
  { what: 'a map where the header is', change: u32(0x154, 0), at: 0x154 },
  { what: 'a map that is not aligned', change: u32(0x154, 0x201), at: 0x154 },
  { what: 'a map past the end', change: u32(0x154, 0x7ffffe00), at: 0x154 },
  { what: 'blocks where the map is', change: u32(0x158, 0x200), at: 0x158 },
  { what: 'blocks past the end', change: u32(0x158, 0xfffffe00), at: 0x200 },
  { what: 'sectors of 4096 bytes', change: u32(0x168, 4096), kind: 'unsupported', at: 0x168 },
  { what: 'a disk of 8 EiB', change: u64(0x170, 2n ** 63n), at: 0x170 },
  { what: 'a disk of 65 TiB', change: u64(0x170, 65n * 2n ** 40n), at: 0x170 },
  { what: 'a disk larger than its blocks', change: u64(0x170, 5n * 4096n + 1n), at: 0x180 },
  { what: 'blocks of no bytes', change: u32(0x178, 0), at: 0x178 },
  { what: 'blocks of 3 KiB', change: u32(0x178, 3072), at: 0x178 },
  { what: 'blocks of 2 GiB', change: u32(0x178, 2 ** 31), at: 0x178 },
  { what: 'extra bytes of 4 GiB', change: u32(0x17c, 0xffffffff), at: 0x17c },
  { what: 'no blocks', change: u32(0x180, 0), at: 0x180 },
  { what: '4 Gi blocks', change: u32(0x180, 0xffffffff), at: 0x154 },
  { what: 'a block past the end', change: u32(0x200, 3), at: 0x200 },
  { what: 'a block at the largest number', change: u32(0x210, 0xfffffffd), at: 0x210 },
];

describe('a hostile VDI image', () => {
  test.each(HOSTILE)('with $what is refused, by kind and place', ({ change, kind = 'corrupt', at }) => {
    const bytes = valid();
    change(bytes);
    expect(() => readAll(bytes)).toThrow(
      expect.objectContaining({ name: 'DiskError', kind, format: 'vdi', offset: at }),
    );
  });

  test('is refused wherever it is cut', () => {
    const bytes = valid();
    for (let length = 0x44; length < bytes.length; length += 97) {
      expect(() => readAll(bytes.subarray(0, length)), `${length}`).toThrow(
        expect.objectContaining({ name: 'DiskError', kind: 'corrupt' }),
      );
    }
  });

  test('never ends in anything but a DiskError, whatever is changed', () => {
    const random = seededRandom(20_260_102);
    const hot = [
      [0x40, 0x50],
      [0x154, 0x1c8],
      [0x200, 0x214],
    ] as const;
    for (let round = 0; round < 4000; round++) {
      const bytes = mutate(valid(), hot, random);
      expect(misbehaviour(() => readAll(bytes))).toBeUndefined();
    }
  });
});

describe.skipIf(corpusAbsent !== undefined)('malformed VDI files of others', () => {
  test.each(corpusFiles('malformed/**/*.vdi'))('%s is refused', (file) => {
    expect(() => readAll(readCorpus(file))).toThrow(expect.objectContaining({ name: 'DiskError' }));
  });
});
