import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FileSource } from '../../source/file-source.ts';
import { seededRandom } from '../../testing/mutation.ts';
import { expectBytes, expectExtents, QemuFolder } from '../../testing/qemu.ts';
import type { DiskImage, ReferenceOpener } from '../image.ts';
import { openImage } from '../open.ts';
import { denyReferences } from '../references.ts';
import {
  cowd,
  descriptor,
  diskOf,
  SE_GRAIN_BYTES,
  SE_PLACE,
  STREAM_GRAIN_SECTORS,
  seSparse,
  stream,
} from './testing.ts';

// Extents that qemu-img does not write, built here; where it reads them, it is the oracle.

let qemu: QemuFolder;

beforeAll(() => {
  qemu = new QemuFolder();
});

afterAll(() => qemu.remove());

const inFolder: ReferenceOpener = { open: (name) => FileSource.open(qemu.file(name)) };
const write = (name: string, bytes: Uint8Array) => writeFileSync(qemu.file(name), bytes);

function open(name: string, references: ReferenceOpener = inFolder): DiskImage {
  return openImage(FileSource.open(qemu.file(name)), { claimedFormat: 'vmdk', references });
}

/** Opens a descriptor of these extents. */
function openExtents(...extents: readonly string[]): DiskImage {
  write('disk.vmdk', descriptor({ extents }));
  return open('disk.vmdk');
}

function expectSameAsQemu(name: string): void {
  expectBytes(open(name), qemu.bytesOf('vmdk', name));
  expectExtents(open(name), qemu.extentsOf('vmdk', name));
}

const filled = (value: number, sizeBytes: number) => Buffer.alloc(sizeBytes, value);

describe('COWD extent', () => {
  const grains = {
    0: filled(1, 512),
    7: filled(2, 512),
    8: filled(3, 512),
    4095: filled(4, 512),
    5000: filled(5, 512),
  };

  test('is read as qemu reads it', () => {
    write('cowd.vmdk', cowd(grains, 6001));
    write('disk.vmdk', descriptor({ createType: 'vmfsSparse', extents: ['RW 6001 VMFSSPARSE "cowd.vmdk"'] }));
    expectSameAsQemu('disk.vmdk');
    expectBytes(open('disk.vmdk'), diskOf(grains, 512, 6001 * 512));
  });

  test('falls to the parent of its disk', () => {
    const below = diskOf({ 0: filled(8, 512), 1: filled(9, 512) }, 512, 6001 * 512);
    write('base-flat.vmdk', below);
    write('base.vmdk', descriptor({ cid: 'abc', extents: ['RW 6001 VMFS "base-flat.vmdk"'] }));
    write('cowd.vmdk', cowd(grains, 6001));
    const link = { parentCid: 'abc', parentName: 'base.vmdk' };
    write('disk.vmdk', descriptor({ ...link, createType: 'vmfsSparse', extents: ['RW 6001 VMFSSPARSE "cowd.vmdk"'] }));
    expectBytes(
      open('disk.vmdk'),
      Buffer.concat([filled(1, 512), below.subarray(512, 1024), diskOf(grains, 512, 6001 * 512).subarray(1024)]),
    );
    expect(open('disk.vmdk').facts.chain).toEqual(['cowd.vmdk', 'base.vmdk', 'base-flat.vmdk']);
  });

  test('alone is only a piece', () => {
    write('cowd.vmdk', cowd(grains, 6001));
    expect(() => open('cowd.vmdk')).toThrow(
      expect.objectContaining({ kind: 'unsupported', message: expect.stringContaining('one piece') }),
    );
  });
});

describe('seSparse extent', () => {
  const CAPACITY = 8 * 4096 * 2 + 24;
  const grains = {
    0: filled(1, SE_GRAIN_BYTES),
    2: 2,
    3: 1,
    5: filled(2, SE_GRAIN_BYTES),
    4095: filled(3, SE_GRAIN_BYTES),
    4096: filled(4, SE_GRAIN_BYTES),
    8194: filled(5, SE_GRAIN_BYTES),
  };

  test('is read as qemu reads it', () => {
    write('se.vmdk', seSparse(grains, CAPACITY));
    write('disk.vmdk', descriptor({ createType: 'seSparse', extents: [`RW ${CAPACITY} SESPARSE "se.vmdk"`] }));
    expectSameAsQemu('disk.vmdk');
  });

  test('does not fall to a parent where the guest discarded or zeroed', () => {
    write('base-flat.vmdk', filled(9, CAPACITY * 512));
    write('base.vmdk', descriptor({ cid: 'abc', extents: [`RW ${CAPACITY} FLAT "base-flat.vmdk" 0`] }));
    write('se.vmdk', seSparse(grains, CAPACITY));
    const link = { parentCid: '00000abc', parentName: 'base.vmdk' };
    write('disk.vmdk', descriptor({ ...link, createType: 'seSparse', extents: [`RW ${CAPACITY} SESPARSE "se.vmdk"`] }));
    const bytes = open('disk.vmdk').read(0, 6 * SE_GRAIN_BYTES);
    expect([0, 1, 2, 3, 4, 5].map((grain) => bytes[grain * SE_GRAIN_BYTES])).toEqual([1, 9, 0, 0, 9, 2]);
  });

  test('whose journal was not replayed is refused: its tables are old', () => {
    const bytes = seSparse(grains, CAPACITY);
    bytes.writeBigUInt64LE(1n, SE_PLACE.volatile * 512 + 24);
    write('se.vmdk', bytes);
    expect(() => openExtents(`RW ${CAPACITY} SESPARSE "se.vmdk"`)).toThrow(
      expect.objectContaining({ kind: 'unsupported', message: expect.stringContaining('journal') }),
    );
  });
});

const GRAIN = STREAM_GRAIN_SECTORS * 512;

/** A grain of bytes that pack badly, so that it takes several sectors. */
function noise(seed: number): Buffer {
  const random = seededRandom(seed);
  return Buffer.from(Uint8Array.from({ length: GRAIN }, (_, index) => (index < 3000 ? random(256) : seed)));
}

describe('stream', () => {
  const CAPACITY = 16 * 600 + 3;
  const grains = {
    0: noise(1),
    1: noise(2),
    7: noise(3),
    511: noise(4),
    512: noise(5),
    600: noise(6).subarray(0, 3 * 512),
  };
  const whole = () => stream(grains, CAPACITY);
  const answer = () => diskOf({ ...grains }, GRAIN, CAPACITY * 512);

  function openStream(bytes: Uint8Array): DiskImage {
    write('stream.vmdk', bytes);
    return open('stream.vmdk');
  }

  test('with a footer is read as qemu reads it', () => {
    write('stream.vmdk', whole());
    expectSameAsQemu('stream.vmdk');
    expectBytes(open('stream.vmdk'), answer());
    expect(open('stream.vmdk').facts).toMatchObject({
      warnings: [],
      details: { create_type: 'streamOptimized', extents: [{ compressed: true, cluster_size: GRAIN }] },
    });
  });

  const FOOTER = -1024;
  const damages: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
    'without a footer': (bytes) => bytes.fill(0, bytes.length + FOOTER - 512),
    'with a footer that names no directory': (bytes) =>
      bytes.fill(0, bytes.length + FOOTER + 56, bytes.length + FOOTER + 64),
    'with a directory past its end': (bytes) =>
      bytes.fill(0x7f, bytes.length + FOOTER + 56, bytes.length + FOOTER + 60),
    'with a directory of noise': (bytes) => bytes.fill(0xab, bytes.length + FOOTER - 1024, bytes.length + FOOTER - 512),
    'with a directory of zeros': (bytes) => bytes.fill(0, bytes.length + FOOTER - 1024, bytes.length + FOOTER - 512),
    'cut after its tables': (bytes) => bytes.subarray(0, bytes.length + FOOTER - 512),
  };

  test.each(Object.keys(damages))('%s is read by its markers', (what) => {
    const image = openStream(damages[what]?.(whole()) ?? whole());
    expectBytes(image, answer());
    expect(image.facts.warnings).toEqual([expect.stringContaining('reading the whole stream')]);
    expect([...image.extents()].at(0)).toEqual({ offset: 0, length: 2 * GRAIN, kind: 'data' });
  });

  test('that breaks off is read up to there, and no further', () => {
    const bytes = whole();
    const image = openStream(bytes.subarray(0, bytes.length - 8192));
    expect(
      answer()
        .subarray(0, 7 * GRAIN)
        .equals(image.read(0, 7 * GRAIN)),
    ).toBe(true);
    expect(() => image.read(600 * GRAIN, 512)).toThrow(
      expect.objectContaining({ kind: 'corrupt', message: expect.stringContaining('breaks off') }),
    );
  });

  test('whose footer tells of another disk is refused', () => {
    const bytes = whole();
    bytes.writeBigUInt64LE(17n, bytes.length + FOOTER + 12);
    expect(() => openStream(bytes)).toThrow(
      expect.objectContaining({ kind: 'corrupt', offset: bytes.length + FOOTER }),
    );
  });
});

describe('sparse extent', () => {
  beforeAll(() => {
    qemu.img('create', '-f', 'vmdk', 'sparse.vmdk', '70M');
    qemu.io('vmdk', 'sparse.vmdk', 'write -P 1 0 64k', 'write -P 2 33M 100k', 'write -P 3 69M 1M');
  });

  const header = (bytes: Buffer) => ({
    directory: Number(bytes.readBigUInt64LE(56)) * 512,
    copy: Number(bytes.readBigUInt64LE(48)) * 512,
  });

  const damages: Readonly<Record<string, (bytes: Buffer, directory: number) => unknown>> = {
    'lies past the end': (bytes) => bytes.writeUInt32LE(0x7fffffff, 56),
    'is full of noise': (bytes, directory) => bytes.fill(0xab, directory, directory + 12),
    'is full of zeros': (bytes, directory) => bytes.fill(0, directory, directory + 12),
    'has one bad entry': (bytes, directory) => bytes.writeUInt32LE(0x7fffffff, directory + 4),
  };

  test.each(Object.keys(damages))('is read by the copy of its directory when that %s', (what) => {
    const answer = qemu.bytesOf('vmdk', 'sparse.vmdk');
    const bytes = readFileSync(qemu.file('sparse.vmdk'));
    damages[what]?.(bytes, header(bytes).directory);
    write('damaged.vmdk', bytes);
    const image = open('damaged.vmdk');
    expectBytes(image, answer);
    expect(image.facts.warnings).toEqual([expect.stringContaining('come from its copy')]);
  });

  test('is read by the copy of a table where a grain cannot be', () => {
    const answer = qemu.bytesOf('vmdk', 'sparse.vmdk');
    const bytes = readFileSync(qemu.file('sparse.vmdk'));
    const table = bytes.readUInt32LE(header(bytes).directory) * 512;
    bytes.writeUInt32LE(0x7fffffff, table);
    write('damaged.vmdk', bytes);
    expectBytes(open('damaged.vmdk'), answer);
  });

  test('that was not closed is read, with a warning', () => {
    const bytes = readFileSync(qemu.file('sparse.vmdk'));
    bytes.writeUInt8(1, 72);
    write('unclean.vmdk', bytes);
    expect(open('unclean.vmdk').facts.warnings).toEqual([expect.stringContaining('not closed')]);
  });

  test('without a descriptor is only a piece', () => {
    const bytes = readFileSync(qemu.file('sparse.vmdk'));
    bytes.fill(0, 28, 44);
    write('bare.vmdk', bytes);
    expect(() => open('bare.vmdk')).toThrow(
      expect.objectContaining({ kind: 'unsupported', message: expect.stringContaining('one piece') }),
    );
  });
});

describe('disk of several extents', () => {
  beforeAll(() => {
    write('a.bin', filled(1, 4096));
    write('b.bin', Buffer.concat([filled(2, 1024), filled(3, 1024)]));
    write('cowd.vmdk', cowd({ 1: filled(4, 512) }, 5));
    qemu.img('create', '-f', 'vmdk', 'sparse.vmdk', '256k');
    qemu.io('vmdk', 'sparse.vmdk', 'write -P 5 64k 64k');
  });

  const PIECES = [
    'RW 8 FLAT "a.bin" 0',
    'RW 512 SPARSE "sparse.vmdk"',
    'RW 2 FLAT "b.bin" 2',
    'RW 5 SPARSE "cowd.vmdk"',
  ];

  test('of all kinds is read as qemu reads it', () => {
    write('mixed.vmdk', descriptor({ createType: 'twoGbMaxExtentSparse', extents: PIECES }));
    expectSameAsQemu('mixed.vmdk');
    expect(open('mixed.vmdk').facts.chain).toEqual(['a.bin', 'sparse.vmdk', 'b.bin', 'cowd.vmdk']);
  });

  test('has zeros where the descriptor says so, and may be read only', () => {
    const image = openExtents('RDONLY 2 FLAT "a.bin" 6', 'RW 3 ZERO', 'NOACCESS 1 ZERO', 'RW 1 FLAT "b.bin" 0');
    expectBytes(image, Buffer.concat([filled(1, 1024), Buffer.alloc(2048), filled(2, 512)]));
    expect([...image.extents()].map(({ kind, length }) => [kind, length])).toEqual([
      ['data', 1024],
      ['zero', 2048],
      ['data', 512],
    ]);
  });

  test('follows the descriptor where a piece was rounded up to whole grains', () => {
    const image = openExtents('RW 500 SPARSE "sparse.vmdk"', 'RW 1 FLAT "a.bin" 0');
    expect(image.sizeBytes).toBe(501 * 512);
    expect(image.read(500 * 512, 512)).toEqual(new Uint8Array(512).fill(1));
  });

  test.each([
    'RW 300 SPARSE "sparse.vmdk"',
    'RW 513 SPARSE "sparse.vmdk"',
    'RW 9 FLAT "a.bin" 0',
    'RW 8 FLAT "a.bin" 1',
  ])('refuses a piece that is not as large as it says: %s', (line) => {
    expect(() => openExtents(line)).toThrow(expect.objectContaining({ kind: 'corrupt' }));
  });

  test.each([
    'RW 8 FLAT "/dev/sda" 0',
    'RW 8 FLAT "\\\\.\\PhysicalDrive0" 0 partitionUUID \\\\?\\Volume{1}',
    'RW 8 VMFSRDM "rdm.vmdk"',
    'RW 8 VMFSRAW "raw.vmdk"',
    'RW 8 PLAIN "a.bin"',
    'NOACCESS 8 FLAT "a.bin" 0',
  ])('refuses what is no file, before it opens any: %s', (line) => {
    const asked: string[] = [];
    const references: ReferenceOpener = {
      open(name) {
        asked.push(name);
        throw new Error('nothing is to be opened');
      },
    };
    write('disk.vmdk', descriptor({ extents: [line] }));
    expect(() => open('disk.vmdk', references)).toThrow(expect.objectContaining({ kind: 'unsupported' }));
    expect(asked).toEqual([]);
  });

  test.each(['fullDevice', 'partitionedDevice', 'vmfsRawDeviceMap'])('refuses a disk that is a %s', (createType) => {
    write('disk.vmdk', descriptor({ createType, extents: ['RW 8 FLAT "a.bin" 0'] }));
    expect(() => open('disk.vmdk')).toThrow(expect.objectContaining({ kind: 'unsupported' }));
  });

  test('never hands a protocol to the policy', () => {
    expect(() => openExtents('RW 8 FLAT "json:{}" 0')).toThrow(expect.objectContaining({ kind: 'denied' }));
  });

  test('names all that it needs where the policy denies it', () => {
    write('disk.vmdk', descriptor({ extents: ['RW 8 FLAT "/etc/passwd" 0', 'RW 5 SPARSE "cowd.vmdk"'] }));
    expect(() => open('disk.vmdk', denyReferences)).toThrow(
      expect.objectContaining({
        kind: 'denied',
        message: expect.stringContaining('the disk needs "/etc/passwd", "cowd.vmdk"'),
      }),
    );
  });

  test('asks for a parent on a Windows path by its last part, and ends a chain that comes back to itself', () => {
    const link = { cid: 'abc', parentCid: 'abc', parentName: 'C:\\\\VMs\\\\loop.vmdk' };
    write('loop.vmdk', descriptor({ ...link, extents: ['RW 8 FLAT "a.bin" 0'] }));
    expect(() => open('loop.vmdk')).toThrow(
      expect.objectContaining({ kind: 'corrupt', message: expect.stringContaining('longer than 16') }),
    );
  });
});
