import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DiskErrorKind } from '../../error.ts';
import { hex } from '../../hex.ts';
import { MemorySource } from '../../source/memory-source.ts';
import { misbehaviour, mutate, seededRandom } from '../../testing/mutation.ts';
import { openImage } from '../open.ts';
import { denyReferences } from '../references.ts';

let folder: string;
/** Clusters of 512 bytes, so that every table is near; plain, compressed and zero clusters. */
let small: Buffer;
let extended: Buffer;
let zstd: Buffer;
let annotated: Buffer;

function make(name: string, options: string, ...writes: readonly string[]): Buffer {
  const run = (program: string, ...args: readonly string[]) =>
    execFileSync(program, args, { cwd: folder, stdio: 'pipe' });
  run('qemu-img', 'create', '-f', 'qcow2', '-o', options, name, '100k');
  run('qemu-io', ...writes.flatMap((write) => ['-c', write]), name);
  if (name === 'annotated') {
    run('qemu-img', 'snapshot', '-c', 'first', name);
    run('qemu-img', 'bitmap', '--add', name, 'changes');
  }
  return readFileSync(join(folder, name));
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'guestkit-hostile-'));
  const writes = ['write -P 1 0 4k', 'write -P 2 40k 4k', 'write -z 8k 1k', 'write -c -P 3 48k 512'];
  small = make('small', 'cluster_size=512', ...writes);
  zstd = make('zstd', 'cluster_size=4k,compression_type=zstd', 'write -c -P 3 0 64k', 'write -P 4 70k 10k');
  extended = make('extended', 'cluster_size=16k,extended_l2=on', 'write -P 1 1k 1k', 'write -z 40k 1k');
  annotated = make('annotated', 'cluster_size=512', 'write -P 1 0 4k');
});

afterAll(() => rmSync(folder, { recursive: true }));

/** Opens, maps and reads as much as a hostile size allows. */
function readAll(bytes: Uint8Array): void {
  const image = openImage(new MemorySource(bytes), { references: denyReferences });
  let count = 0;
  for (const _ of image.extents()) if (++count > 10_000) break;
  const most = Math.min(image.sizeBytes, 2 ** 20);
  image.read(0, most);
  image.read(image.sizeBytes - most, most);
}

const l1 = (bytes: Buffer) => Number(bytes.readBigUInt64BE(40));
const refcounts = (bytes: Buffer) => Number(bytes.readBigUInt64BE(48));
const snapshots = (bytes: Buffer) => Number(bytes.readBigUInt64BE(64));
const l2 = (bytes: Buffer) => Number(bytes.readBigUInt64BE(l1(bytes)) & 0x00fffffffffffe00n);
const bitmapsExtension = (bytes: Buffer) => bytes.indexOf(Buffer.from('23852875', 'hex'));

type Change = (bytes: Buffer) => Buffer;
/** A number, or where to find it in the image. */
type Value = number | ((bytes: Buffer) => number);

const resolve = (value: Value, bytes: Buffer) => (typeof value === 'number' ? value : value(bytes));
const plus =
  (value: Value, more: number): Value =>
  (bytes) =>
    resolve(value, bytes) + more;

function u8(at: number, value: number): Change {
  return (bytes) => bytes.fill(value, at, at + 1);
}

function u32(at: Value, value: number): Change {
  return (bytes) => {
    bytes.writeUInt32BE(value, resolve(at, bytes));
    return bytes;
  };
}

function u64(at: Value, value: Value): Change {
  return (bytes) => {
    bytes.writeBigUInt64BE(BigInt(resolve(value, bytes)), resolve(at, bytes));
    return bytes;
  };
}

function all(...changes: readonly Change[]): Change {
  return (bytes) => changes.reduce((changed, change) => change(changed), bytes);
}

function cut(length: Value): Change {
  return (bytes) => bytes.subarray(0, resolve(length, bytes));
}

interface Hostile {
  readonly what: string;
  readonly from?: () => Buffer;
  readonly change: Change;
  /** `corrupt` when left out. */
  readonly kind?: DiskErrorKind;
  /** Where the error must say it is. */
  readonly at?: Value;
}

const FAR = 2 ** 40;
const COMPRESSED = 2 ** 62;

const HOSTILE: readonly Hostile[] = [
  { what: 'nothing', change: cut(0), at: 0 },
  { what: 'a header of 4 bytes', change: cut(4), at: 4 },
  { what: 'a header of 71 bytes', change: cut(71), at: 64 },
  { what: 'a header of 100 bytes', change: cut(100), at: 100 },
  { what: 'a header alone', change: cut(512), at: 40 },
  { what: 'version 1', change: u32(4, 1), kind: 'unsupported', at: 4 },
  { what: 'version 4', change: u32(4, 4), kind: 'unsupported', at: 4 },
  { what: 'clusters of 256 bytes', change: u32(20, 8), at: 20 },
  { what: 'clusters of 4 MiB', change: u32(20, 22), at: 20 },
  { what: 'clusters of 2^(2^32) bytes', change: u32(20, 0xffffffff), at: 20 },
  { what: 'a disk of 8 EiB', change: u64(24, 2 ** 63), at: 24 },
  { what: 'a disk of 65 TiB', change: u64(24, 65 * 2 ** 40), at: 24 },
  { what: 'a disk larger than its L1 maps', change: u64(24, 2 ** 30), at: 36 },
  { what: 'AES', change: u32(32, 1), kind: 'encrypted', at: 32 },
  { what: 'LUKS without a header of it', change: u32(32, 2), kind: 'corrupt', at: 32 },
  { what: 'an unknown cipher', change: u32(32, 9), kind: 'encrypted', at: 32 },
  { what: 'an L1 of no entries', change: u32(36, 0), at: 36 },
  { what: 'an L1 of 32 GiB', change: u32(36, 0xffffffff), at: 36 },
  { what: 'an L1 past the end', change: u64(40, FAR), at: 40 },
  { what: 'an L1 beyond 2^53', change: u64(40, 2 ** 60), at: 40 },
  { what: 'an L1 that is not aligned', change: u64(40, 520), at: 40 },
  { what: 'an L1 where the header is', change: u64(40, 0), at: 40 },
  { what: 'an L1 where the refcounts are', change: u64(40, refcounts), at: refcounts },
  { what: 'refcounts past the end', change: u64(48, FAR), at: 48 },
  { what: 'refcounts that are not aligned', change: u64(48, 1), at: 48 },
  { what: 'refcounts where the header is', change: u64(48, 0), at: 48 },
  { what: 'no refcounts', change: u32(56, 0), at: 56 },
  { what: 'refcounts of 2 TiB', change: u32(56, 0xffffffff), at: 56 },
  { what: 'a refcount block past the end', change: u64(refcounts, FAR), at: refcounts },
  { what: 'refcounts of 128 bits', change: u32(96, 7), at: 96 },
  { what: 'a header length of 96', change: u32(100, 96), at: 100 },
  { what: 'a header length of 107', change: u32(100, 107), at: 100 },
  { what: 'a header longer than its cluster', change: u32(100, 1024), at: 100 },
  { what: 'an unknown feature', change: u8(79, 0x20), kind: 'unsupported', at: 72 },
  { what: 'an unknown feature in the highest bit', change: u8(72, 0x80), kind: 'unsupported', at: 72 },
  { what: 'an unknown compression', change: u8(104, 7), kind: 'unsupported', at: 104 },
  { what: 'zstd without its feature bit', change: u8(104, 1), at: 104 },
  { what: 'a feature bit without zstd', change: u8(79, 8), at: 104 },
  { what: 'a data file without a name', change: u8(79, 4), at: 72 },
  { what: 'extended L2 in small clusters', change: u8(79, 16), at: 20 },
  { what: 'an extension past its area', from: () => extended, change: u32(116, 0xfffffff0), at: 112 },
  { what: 'a backing name in the header', change: u64(8, 8), at: 8 },
  { what: 'a backing name past the first cluster', change: u64(8, 513), at: 8 },
  { what: 'a backing name that leaves the first cluster', change: all(u64(8, 480), u32(16, 64)), at: 16 },
  { what: '65537 snapshots', change: u32(60, 65537), at: 60 },
  { what: 'a snapshot table past the end', change: all(u32(60, 1), u64(64, FAR)), at: 64 },
  {
    what: 'a snapshot with 4 GiB of extra data',
    from: () => annotated,
    change: u32(plus(snapshots, 36), 0xffffffff),
    at: plus(snapshots, 36),
  },
  {
    what: 'a bitmap directory past the end',
    from: () => annotated,
    change: u64(plus(bitmapsExtension, 24), FAR),
    at: FAR,
  },
  { what: 'an L2 past the end', change: u64(l1, FAR), at: l1 },
  { what: 'an L2 that is not aligned', from: () => zstd, change: u64(l1, plus(l2, 512)), at: l1 },
  { what: 'an L1 that is its own L2', change: u64(l1, l1), at: l1 },
  { what: 'an L2 where the refcounts are', change: u64(l1, refcounts), at: l1 },
  { what: 'an L2 that is named twice', change: u64(plus(l1, 8), l2), at: l1 },
  { what: 'a cluster past the end', change: u64(l2, FAR), at: l2 },
  { what: 'a cluster that is not aligned', from: () => zstd, change: u64(l2, 4096 + 512), at: l2 },
  { what: 'a cluster that is its own L2', change: u64(l2, l2), at: l2 },
  { what: 'a cluster that is the L1', change: u64(l2, l1), at: l2 },
  { what: 'a cluster that is the refcount table', change: u64(l2, refcounts), at: l2 },
  { what: 'a compressed cluster past the end', change: u64(l2, COMPRESSED + FAR), at: l2 },
  { what: 'a compressed cluster in the header', change: u64(l2, COMPRESSED), at: l2 },
  {
    what: 'a compressed cluster of noise',
    from: () => zstd,
    // where each one is depends on which of qemu's threads was first
    change: (bytes) => bytes.fill(0xab, 5 * 4096),
  },
  { what: 'a zero cluster in version 2', change: all(u32(4, 2), u64(l2, 1)), at: l2 },
  { what: 'a subcluster stored and zero', from: () => extended, change: u32(plus(l2, 8), 0xffffffff), at: plus(l2, 8) },
  { what: 'subclusters without a cluster', from: () => extended, change: u64(l2, 0), at: plus(l2, 8) },
  { what: 'half a file', change: cut((bytes) => bytes.length / 2) },
  {
    what: 'a file without its last cluster',
    from: () => zstd,
    change: cut((bytes) => Math.floor((bytes.length - 1) / 4096) * 4096),
  },
];

describe('a hostile qcow2 image', () => {
  test.each(HOSTILE)(
    'with $what is refused, by kind and place',
    ({ from = () => small, change, kind = 'corrupt', at }) => {
      const original = Buffer.from(from());
      const changed = change(original);
      const bytes = typeof changed === 'number' ? original : changed;
      const offset = typeof at === 'function' ? at(Buffer.from(from())) : at;
      let caught: unknown;
      try {
        readAll(bytes);
      } catch (error) {
        caught = error;
      }
      expect(caught).toMatchObject({ name: 'DiskError', kind, ...(offset === undefined ? {} : { offset }) });
    },
  );

  test('is refused wherever it is cut', () => {
    for (let length = 4; length < small.length - 512; length += 97) {
      expect(() => readAll(small.subarray(0, length)), hex(length)).toThrow(
        expect.objectContaining({ name: 'DiskError' }),
      );
    }
  });

  test('is named by its own feature table', () => {
    const bytes = Buffer.from(extended);
    bytes.writeUInt8(0x50, 79);
    const entry = bytes.indexOf('dirty bit') - 2;
    bytes.writeUInt8(6, entry + 1);
    bytes.write('time travel\0', entry + 2);
    expect(() => readAll(bytes)).toThrow('incompatible feature bit 6 ("time travel") is set');
  });

  test('that is dirty or marked corrupt is read, with a warning', () => {
    const bytes = Buffer.from(small);
    bytes.writeUInt8(3, 79);
    const image = openImage(new MemorySource(bytes), { references: denyReferences });
    expect(image.facts.warnings).toEqual([
      expect.stringContaining('dirty bit is set'),
      expect.stringContaining('corrupt bit is set'),
    ]);
    expect(image.read(0, 2)).toEqual(Uint8Array.of(1, 1));
  });

  test('never ends in anything but a DiskError, whatever is changed', () => {
    const random = seededRandom(20_260_101);
    for (const base of [small, zstd, extended, annotated]) {
      const tables = [
        [l1(base), l1(base) + 32],
        [l2(base), l2(base) + 128],
        [refcounts(base), refcounts(base) + 16],
      ] as const;
      const hot = [[0, 112], [112, 512], ...tables] as const;
      for (let round = 0; round < 1500; round++) {
        const bytes = mutate(base, hot, random);
        expect(misbehaviour(() => readAll(bytes))).toBeUndefined();
      }
    }
  });
});
