import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DiskErrorKind } from '../../error.ts';
import { MemorySource } from '../../source/memory-source.ts';
import { corpusAbsent, corpusFiles, readCorpus } from '../../testing/corpus.ts';
import { misbehaviour, mutate, seededRandom } from '../../testing/mutation.ts';
import type { ReferenceOpener } from '../image.ts';
import { openImage } from '../open.ts';
import { denyReferences } from '../references.ts';
import { cowd, descriptor, SE_PLACE, seSparse, stream } from './testing.ts';

let folder: string;
let sparse: Buffer;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'guestkit-vmdk-'));
  const run = (program: string, ...args: readonly string[]) =>
    execFileSync(program, args, { cwd: folder, stdio: 'pipe' });
  run('qemu-img', 'create', '-f', 'vmdk', 'sparse.vmdk', '1100k');
  run('qemu-io', '-f', 'vmdk', '-c', 'write -P 1 0 64k', '-c', 'write -P 2 1090k 10k', 'sparse.vmdk');
  sparse = readFileSync(join(folder, 'sparse.vmdk'));
});

afterAll(() => rmSync(folder, { recursive: true }));

const COWD_SECTORS = 5000;
const SE_SECTORS = 40_000;
const sector = (value: number) => Buffer.alloc(512, value);

const made = {
  stream: stream({ 0: Buffer.alloc(8192, 'text'), 1: Buffer.alloc(8192, 2), 9: Buffer.alloc(8192, 3) }, 170),
  cowd: cowd({ 0: sector(1), 2: sector(2), 4999: sector(3) }, COWD_SECTORS),
  seSparse: seSparse({ 0: Buffer.alloc(4096, 1), 1: 2, 4999: Buffer.alloc(4096, 2) }, SE_SECTORS),
};

/** Opens, maps and reads as much as a hostile size allows. */
function readAll(bytes: Uint8Array, references: ReferenceOpener = denyReferences): void {
  const image = openImage(new MemorySource(bytes), { claimedFormat: 'vmdk', references });
  let count = 0;
  for (const _ of image.extents()) if (++count > 10_000) break;
  const most = Math.min(image.sizeBytes, 2 ** 20);
  image.read(0, most);
  image.read(image.sizeBytes - most, most);
}

/** Reads a disk whose only extent this is. */
function readExtent(bytes: Uint8Array, sectors: number): void {
  readAll(descriptor({ extents: [`RW ${sectors} SPARSE "extent"`] }), { open: () => new MemorySource(bytes) });
}

const READ = {
  sparse: (bytes: Uint8Array) => readAll(bytes),
  stream: (bytes: Uint8Array) => readAll(bytes),
  cowd: (bytes: Uint8Array) => readExtent(bytes, COWD_SECTORS),
  seSparse: (bytes: Uint8Array) => readExtent(bytes, SE_SECTORS),
};

interface Hostile {
  readonly of: keyof typeof READ;
  readonly what: string;
  readonly change: (bytes: Buffer) => unknown;
  /** `corrupt` when left out. */
  readonly kind?: DiskErrorKind;
  /** Where the error must say it is. */
  readonly at?: number | ((bytes: Buffer) => number);
}

/** A place in the file, or how to find it. */
type Place = number | ((bytes: Buffer) => number);
const resolve = (place: Place, bytes: Buffer) => (typeof place === 'number' ? place : place(bytes));
const u32 = (at: Place, value: number) => (bytes: Buffer) => bytes.writeUInt32LE(value, resolve(at, bytes));
const u64 = (at: Place, value: bigint) => (bytes: Buffer) => bytes.writeBigUInt64LE(value, resolve(at, bytes));

const directory = (bytes: Buffer) => Number(bytes.readBigUInt64LE(56)) * 512;
const table = (bytes: Buffer) => bytes.readUInt32LE(directory(bytes)) * 512;
/** So that there is no copy to fall back to. */
const withoutCopy = (change: (bytes: Buffer) => unknown) => (bytes: Buffer) => {
  bytes.writeUInt32LE(1, 8);
  return change(bytes);
};

const COWD_TABLE = 5 * 512;
const SE_DIRECTORY = SE_PLACE.directory * 512;
/** The table of the first grains is the last one. */
const SE_TABLE = (SE_PLACE.tables + 64) * 512;

const HOSTILE: readonly Hostile[] = [
  { of: 'sparse', what: 'version 0', change: u32(4, 0), kind: 'unsupported', at: 4 },
  { of: 'sparse', what: 'version 4', change: u32(4, 4), kind: 'unsupported', at: 4 },
  { of: 'sparse', what: 'line ends that were changed', change: (bytes) => bytes.writeUInt8(0x0d, 73), at: 73 },
  { of: 'sparse', what: 'a disk of 2^62 sectors', change: u64(12, 2n ** 62n), at: 12 },
  { of: 'sparse', what: 'a disk of 65 TiB', change: u64(12, 65n * 2n ** 31n), at: 12 },
  { of: 'sparse', what: 'a disk larger than its directory', change: u64(12, 2n ** 37n), at: directory },
  { of: 'sparse', what: 'no sectors and no extents elsewhere', change: u64(12, 0n), kind: 'denied' },
  { of: 'sparse', what: 'grains of no sectors', change: u64(20, 0n), at: 20 },
  { of: 'sparse', what: 'grains of 2 GiB', change: u64(20, 2n ** 22n), at: 20 },
  { of: 'sparse', what: 'a descriptor past the end', change: u64(28, 2n ** 40n), at: 28 },
  { of: 'sparse', what: 'a descriptor of 2 MiB', change: u64(36, 4096n), at: 28 },
  { of: 'sparse', what: 'a descriptor that is no text', change: u64(28, 128n) },
  { of: 'sparse', what: 'tables of no entries', change: u32(44, 0), at: 44 },
  { of: 'sparse', what: 'tables of 4 Gi entries', change: u32(44, 0xffffffff), at: 44 },
  { of: 'sparse', what: 'no directory', change: withoutCopy(u64(56, 0n)), at: 56 },
  { of: 'sparse', what: 'a directory past the end', change: withoutCopy(u64(56, 2n ** 30n)), at: 2 ** 39 },
  { of: 'sparse', what: 'a directory at 2^64', change: withoutCopy(u64(56, 2n ** 64n - 2n)) },
  { of: 'sparse', what: 'grains past the end', change: u64(64, 2n ** 30n), at: 64 },
  {
    of: 'sparse',
    what: 'an unknown compression',
    change: (bytes) => bytes.writeUInt16LE(2, 77),
    kind: 'unsupported',
    at: 77,
  },
  { of: 'sparse', what: 'compression without its flag', change: (bytes) => bytes.writeUInt16LE(1, 77), at: 77 },
  { of: 'sparse', what: 'a flag without compression', change: u32(8, 0x10001), at: 77 },
  { of: 'sparse', what: 'a table past the end', change: withoutCopy(u32(directory, 0x7fffffff)), at: directory },
  { of: 'sparse', what: 'a grain past the end', change: withoutCopy(u32(table, 0x7fffffff)), at: table },
  {
    of: 'sparse',
    what: 'a grain that is its own table',
    change: withoutCopy((b) => u32(table, table(b) / 512)(b)),
    at: table,
  },
  { of: 'stream', what: 'grains of 32 MiB', change: u64(20, 2n ** 16n), at: 20 },
  { of: 'stream', what: 'a grain for another place', change: u64(2048, 16n), at: 2048 },
  { of: 'stream', what: 'a grain of 4 GiB', change: u32(2056, 0xffffffff), at: 2056 },
  { of: 'stream', what: 'a grain of noise', change: (bytes) => bytes.fill(0xab, 2060, 2080), at: 2048 },
  { of: 'stream', what: 'a grain that is cut', change: u32(2056, 8), at: 2048 },
  { of: 'cowd', what: 'version 2', change: u32(4, 2), kind: 'unsupported', at: 4 },
  { of: 'cowd', what: 'no sectors', change: u32(12, 0), at: 12 },
  { of: 'cowd', what: '4 Gi sectors', change: u32(12, 0xffffffff), at: 24 },
  { of: 'cowd', what: 'grains of no sectors', change: u32(16, 0), at: 16 },
  { of: 'cowd', what: 'a directory in the header', change: u32(20, 0), at: 20 },
  { of: 'cowd', what: 'a directory past the end', change: u32(20, 0x7fffffff), at: 0x7fffffff * 512 },
  { of: 'cowd', what: 'a directory of no entries', change: u32(24, 0), at: 24 },
  { of: 'cowd', what: 'a table past the end', change: u32(2048, 0x7fffffff), at: 2048 },
  { of: 'cowd', what: 'a table named twice', change: (bytes) => bytes.copyWithin(2052, 2048, 2052), at: 2048 },
  { of: 'cowd', what: 'a grain past the end', change: u32(COWD_TABLE, 0x7fffffff), at: COWD_TABLE },
  { of: 'cowd', what: 'a grain in the header', change: u32(COWD_TABLE, 1), at: COWD_TABLE },
  { of: 'seSparse', what: 'another version', change: u64(8, 1n), kind: 'unsupported', at: 8 },
  { of: 'seSparse', what: 'no sectors', change: u64(16, 0n), at: 16 },
  { of: 'seSparse', what: '2^52 sectors', change: u64(16, 2n ** 52n), at: 16 },
  { of: 'seSparse', what: 'grains of no sectors', change: u64(24, 0n), kind: 'unsupported', at: 24 },
  { of: 'seSparse', what: 'tables of no sectors', change: u64(32, 0n), kind: 'unsupported', at: 32 },
  { of: 'seSparse', what: 'a flag', change: u64(40, 1n), kind: 'unsupported', at: 40 },
  { of: 'seSparse', what: 'a volatile header past the end', change: u64(80, 2n ** 40n), at: 80 },
  { of: 'seSparse', what: 'no volatile header', change: u64(80, 2n), at: 1024 },
  { of: 'seSparse', what: 'a directory past the end', change: u64(128, 2n ** 40n), at: 128 },
  { of: 'seSparse', what: 'a directory of no entries', change: u64(136, 0n), at: 136 },
  { of: 'seSparse', what: 'a directory entry of no known type', change: u64(SE_DIRECTORY, 5n), at: SE_DIRECTORY },
  { of: 'seSparse', what: 'a table past the end', change: u32(SE_DIRECTORY, 0xffffffff), at: SE_DIRECTORY },
  {
    of: 'seSparse',
    what: 'a table named twice',
    change: (bytes) => bytes.copyWithin(SE_DIRECTORY + 8, SE_DIRECTORY, SE_DIRECTORY + 8),
    at: SE_DIRECTORY,
  },
  { of: 'seSparse', what: 'a grain of no known type', change: u64(SE_TABLE, 15n << 60n), at: SE_TABLE },
  { of: 'seSparse', what: 'an absent grain that is somewhere', change: u64(SE_TABLE, 1n), at: SE_TABLE },
  { of: 'seSparse', what: 'a grain past the end', change: u64(SE_TABLE, (3n << 60n) | (2n ** 60n - 1n)), at: SE_TABLE },
];

const base = (of: keyof typeof READ) => Buffer.from(of === 'sparse' ? sparse : made[of]);

describe('a hostile VMDK', () => {
  test.each(HOSTILE)('($of) with $what is refused, by kind and place', ({ of, change, kind = 'corrupt', at }) => {
    const bytes = base(of);
    change(bytes);
    const offset = at === undefined ? {} : { offset: resolve(at, bytes) };
    expect(() => READ[of](bytes)).toThrow(expect.objectContaining({ name: 'DiskError', kind, ...offset }));
  });

  test.each(['sparse', 'cowd', 'seSparse'] as const)('(%s) is refused wherever it is cut', (of) => {
    const bytes = base(of);
    for (let length = 8; length < bytes.length - 60_000; length += 1009) {
      expect(() => READ[of](bytes.subarray(0, length)), `${length}`).toThrow(
        expect.objectContaining({ name: 'DiskError' }),
      );
    }
  });

  test('(stream) is refused or read by its markers wherever it is cut', () => {
    const bytes = base('stream');
    for (let length = 8; length < bytes.length; length += 97) {
      expect(misbehaviour(() => READ.stream(bytes.subarray(0, length)))).toBeUndefined();
    }
  });

  test('that is a descriptor of more than a mebibyte is refused', () => {
    const bytes = Buffer.concat([descriptor(), Buffer.alloc(2 ** 20)]);
    expect(() => readAll(bytes)).toThrow(expect.objectContaining({ kind: 'corrupt', offset: 0 }));
  });

  test('with several extents in its own descriptor is refused', () => {
    const bytes = base('sparse');
    bytes.fill('\n', 512, 1536).set(descriptor({ extents: ['RW 2200 SPARSE "a"', 'RW 8 FLAT "b" 0'] }), 512);
    expect(() => readAll(bytes)).toThrow(expect.objectContaining({ kind: 'unsupported', offset: 512 }));
  });

  const HOT: Readonly<Record<keyof typeof READ, (bytes: Buffer) => readonly (readonly [number, number])[]>> = {
    sparse: (bytes) => [
      [0, 80],
      [512, 900],
      [directory(bytes), directory(bytes) + 4],
      [table(bytes), table(bytes) + 72],
    ],
    stream: (bytes) => [
      [0, 80],
      [512, 900],
      [2048, 2100],
      [bytes.length - 4096, bytes.length],
    ],
    cowd: () => [
      [0, 32],
      [2048, 2056],
      [COWD_TABLE, COWD_TABLE + 20],
    ],
    seSparse: () => [
      [0, 208],
      [512, 544],
      [SE_DIRECTORY, SE_DIRECTORY + 16],
      [SE_TABLE, SE_TABLE + 24],
    ],
  };

  test.each(Object.keys(READ) as (keyof typeof READ)[])(
    '(%s) never ends in anything but a DiskError, whatever is changed',
    (of) => {
      const random = seededRandom(20_260_104);
      const bytes = base(of);
      const hot = HOT[of](bytes);
      for (let round = 0; round < 1000; round++) {
        const changed = mutate(bytes, hot, random);
        expect(misbehaviour(() => READ[of](changed))).toBeUndefined();
      }
    },
  );

  test('(descriptor) never ends in anything but a DiskError, whatever is changed', () => {
    const random = seededRandom(20_260_105);
    const extents = ['RW 2200 SPARSE "a"', 'RW 8 FLAT "b" 0', 'RW 5000 SPARSE "c"', 'RW 9 ZERO'];
    const files: Readonly<Record<string, Buffer>> = { a: sparse, b: Buffer.alloc(4096), c: made.cowd };
    const references: ReferenceOpener = { open: (name) => new MemorySource(files[name] ?? made.stream) };
    const bytes = descriptor({ extents, parentCid: '12345678', parentName: 'p' });
    for (let round = 0; round < 1000; round++) {
      const changed = mutate(bytes, [[0, bytes.length]], random);
      expect(misbehaviour(() => readAll(changed, references))).toBeUndefined();
    }
  });
});

describe.skipIf(corpusAbsent !== undefined)('malformed VMDK files of others', () => {
  test.each(corpusFiles('malformed/**/*.vmdk*'))('%s is refused', (file) => {
    expect(() => readAll(readCorpus(file))).toThrow(expect.objectContaining({ name: 'DiskError' }));
  });
});
