import { execFileSync } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DiskError } from '../../error.ts';
import { joinExtents } from '../../source/extent.ts';
import { FileSource } from '../../source/file-source.ts';
import { expectExtents } from '../../testing/qemu.ts';
import type { DiskImage, Extent, ReferenceOpener } from '../image.ts';
import { openImage } from '../open.ts';
import { denyReferences } from '../references.ts';

// The oracle is qemu-img: same file, same bytes, same map.

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'guestkit-qcow2-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

const qemuImg = (...args: readonly string[]) => execFileSync('qemu-img', args, { cwd: folder, stdio: 'pipe' });
const qemuIo = (image: string, ...commands: readonly string[]) =>
  execFileSync('qemu-io', [...commands.flatMap((command) => ['-c', command]), image], { cwd: folder, stdio: 'pipe' });

const inFolder: ReferenceOpener = { open: (name) => FileSource.open(join(folder, name)) };

function open(name: string, claimedFormat = 'qcow2'): DiskImage {
  return openImage(FileSource.open(join(folder, name)), { claimedFormat, references: inFolder });
}

/** Text, random bytes, zeros, one byte repeated and a hole, in pieces that fit no cluster size. */
function writeStructured(name: string, sizeBytes: number): void {
  const fd = openSync(join(folder, name), 'w');
  let state = 0x12345678;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state;
  };
  for (let at = 0, piece = 0; at < sizeBytes; piece++) {
    const length = Math.min(sizeBytes - at, 1 + (random() % 150_000));
    const bytes = Buffer.alloc(length);
    if (piece % 5 === 0) bytes.fill('The quick brown fox jumps over the lazy dog. ');
    if (piece % 5 === 1) for (let i = 0; i < length; i++) bytes[i] = random() >>> 24;
    if (piece % 5 === 3) bytes.fill(random() & 0xff);
    if (piece % 5 !== 4 || at + length === sizeBytes) writeSync(fd, bytes, 0, length, at);
    at += length;
  }
}

function qemuBytes(name: string): Buffer {
  qemuImg('convert', '-f', 'qcow2', '-O', 'raw', name, 'answer.raw');
  return readFileSync(join(folder, 'answer.raw'));
}

interface MapEntry {
  readonly start: number;
  readonly length: number;
  readonly present: boolean;
  readonly data: boolean;
}

function qemuExtents(name: string): Extent[] {
  const entries: MapEntry[] = JSON.parse(qemuImg('map', '-f', 'qcow2', '--output=json', name).toString());
  const extents = entries.map(({ start, length, present, data }): Extent => {
    return { offset: start, length, kind: data ? 'data' : present ? 'zero' : 'absent' };
  });
  return [...joinExtents(extents)];
}

function expectSameAsQemu(name: string): void {
  const image = open(name);
  const answer = qemuBytes(name);
  expect(image.sizeBytes).toBe(answer.length);
  expect(answer.equals(image.read(0, image.sizeBytes))).toBe(true);
  fc.assert(
    fc.property(fc.nat(answer.length), fc.nat(300_000), (offset, length) => {
      const end = Math.min(offset + length, answer.length);
      return answer.subarray(offset, end).equals(image.read(offset, end - offset));
    }),
    { numRuns: 30 },
  );
  expectExtents(image, qemuExtents(name));
}

const SIZE = 6_291_456 + 1536;

describe('qcow2 made by qemu-img', () => {
  beforeAll(() => writeStructured('structured.raw', SIZE));

  test.each([
    ['version 2', 'compat=0.10', ''],
    ['version 2, compressed', 'compat=0.10', '-c'],
    ['defaults', 'compat=1.1', ''],
    ['zlib', 'compression_type=zlib', '-c'],
    ['zstd', 'compression_type=zstd', '-c'],
    ['clusters of 512 bytes', 'cluster_size=512', ''],
    ['clusters of 512 bytes, zlib', 'cluster_size=512', '-c'],
    ['clusters of 4 KiB, zstd', 'cluster_size=4k,compression_type=zstd', '-c'],
    ['clusters of 2 MiB', 'cluster_size=2M', ''],
    ['clusters of 2 MiB, zlib', 'cluster_size=2M', '-c'],
    ['clusters of 2 MiB, zstd', 'cluster_size=2M,compression_type=zstd', '-c'],
    ['extended L2', 'extended_l2=on', ''],
    ['extended L2, clusters of 16 KiB', 'extended_l2=on,cluster_size=16k', ''],
    ['extended L2, zstd', 'extended_l2=on,compression_type=zstd', '-c'],
    ['lazy refcounts', 'lazy_refcounts=on', ''],
    ['refcounts of 1 bit', 'refcount_bits=1', ''],
    ['refcounts of 64 bits', 'refcount_bits=64', ''],
    ['preallocated metadata', 'preallocation=metadata', ''],
    ['everything preallocated', 'preallocation=falloc', ''],
  ])('reads the same as qemu: %s', (name, options, compress) => {
    const file = `${name}.qcow2`;
    qemuImg(
      'convert',
      ...(compress ? [compress] : []),
      '-f',
      'raw',
      '-O',
      'qcow2',
      '-o',
      options,
      'structured.raw',
      file,
    );
    expectSameAsQemu(file);
  });

  test.each([512, 1024, 65_536, 65_536 * 8192, 65_536 * 8192 + 512])('reads an empty disk of %d bytes', (size) => {
    qemuImg('create', '-f', 'qcow2', 'empty.qcow2', String(size));
    const image = open('empty.qcow2');
    expect(image.sizeBytes).toBe(size);
    expect([...image.extents()]).toEqual([{ offset: 0, length: size, kind: 'absent' }]);
    expect(image.read(size - 512, 512)).toEqual(new Uint8Array(512));
  });

  test.each(['', ',extended_l2=on', ',compat=0.10'])(
    'reads scattered writes, zeros and discards as qemu does%s',
    (options) => {
      qemuImg('create', '-f', 'qcow2', '-o', `cluster_size=64k${options}`, 'scattered.qcow2', '8M');
      const zeros = options.includes('0.10') ? [] : ['write -z 1M 300k', 'write -z -u 2M 64k', 'write -z 5000k 4k'];
      qemuIo(
        'scattered.qcow2',
        'write -P 1 0 512',
        'write -P 2 70k 3k',
        'write -P 3 900k 700k',
        'write -P 4 4990k 100k',
        ...zeros,
      );
      qemuIo('scattered.qcow2', 'discard 1200k 128k', 'write -P 5 8388096 512', 'write -c -P 6 6M 64k');
      expectSameAsQemu('scattered.qcow2');
    },
  );
});

describe('qcow2 with backing files', () => {
  beforeAll(() => {
    writeStructured('base.raw', 3_000_320);
    qemuImg('convert', '-f', 'raw', '-O', 'qcow2', '-c', 'base.raw', 'base.qcow2');
  });

  test('reads through a chain of overlays, with the nearest names first', () => {
    qemuImg('create', '-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', 'middle.qcow2');
    qemuIo('middle.qcow2', 'write -P 7 100k 200k', 'write -z 1M 128k');
    qemuImg('create', '-f', 'qcow2', '-b', 'middle.qcow2', '-F', 'qcow2', '-o', 'extended_l2=on', 'top.qcow2');
    qemuIo('top.qcow2', 'write -P 8 150k 3k', 'write -z 110k 2k', 'write -P 9 2500k 64k');
    expectSameAsQemu('top.qcow2');
    expect(open('top.qcow2').facts.chain).toEqual(['middle.qcow2', 'base.qcow2']);
  });

  test('reads zeros past the end of a backing file that is shorter', () => {
    qemuImg('create', '-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', 'longer.qcow2', '5M');
    qemuIo('longer.qcow2', 'write -P 1 2900k 10k', 'write -P 1 4M 10k');
    expectSameAsQemu('longer.qcow2');
  });

  test('reads the front of a backing file that is longer', () => {
    qemuImg('create', '-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', 'shorter.qcow2', '1000k');
    expectSameAsQemu('shorter.qcow2');
  });

  test('reads a raw backing file', () => {
    writeFileSync(join(folder, 'full.raw'), Buffer.alloc(1_048_576, 'full'));
    qemuImg('create', '-f', 'qcow2', '-b', 'full.raw', '-F', 'raw', 'over-raw.qcow2', '2M');
    qemuIo('over-raw.qcow2', 'write -P 1 10k 1k');
    expectSameAsQemu('over-raw.qcow2');
  });

  test('refuses a backing file whose format the overlay does not say', () => {
    qemuImg('create', '-f', 'qcow2', '-b', 'full.raw', '-F', 'raw', 'unsaid.qcow2');
    qemuImg('rebase', '-u', '-f', 'qcow2', '-b', '', 'unsaid.qcow2');
    const bytes = readFileSync(join(folder, 'unsaid.qcow2'));
    bytes.writeBigUInt64BE(0x300n, 8);
    bytes.writeUInt32BE(8, 16);
    bytes.write('full.raw', 0x300);
    writeFileSync(join(folder, 'unsaid.qcow2'), bytes);
    expect(() => open('unsaid.qcow2')).toThrow(expect.objectContaining({ kind: 'denied' }));
  });

  test('refuses a raw backing file into which a guest wrote a qcow2 header', () => {
    qemuImg('create', '-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', 'lying.qcow2');
    qemuImg('rebase', '-u', '-f', 'qcow2', '-b', 'base.qcow2', '-F', 'raw', 'lying.qcow2');
    const message = 'Cannot open backing file "base.qcow2": content is qcow2, "raw" was claimed';
    expect(() => open('lying.qcow2')).toThrow(expect.objectContaining({ kind: 'corrupt', message }));
  });

  test('ends a chain that comes back to itself', () => {
    qemuImg('create', '-f', 'qcow2', 'loop.qcow2', '1M');
    qemuImg('rebase', '-u', '-f', 'qcow2', '-b', 'loop.qcow2', '-F', 'qcow2', 'loop.qcow2');
    expect(() => open('loop.qcow2')).toThrow(expect.objectContaining({ kind: 'corrupt' }));
  });

  test.each(['/etc/passwd', 'json:{"driver":"file","filename":"/etc/passwd"}', 'nbd://localhost/x', '../up.raw'])(
    'names the backing file %s and opens nothing by default',
    (name) => {
      qemuImg('create', '-f', 'qcow2', 'named.qcow2', '1M');
      qemuImg('rebase', '-u', '-f', 'qcow2', '-b', name, '-F', 'raw', 'named.qcow2');
      const source = FileSource.open(join(folder, 'named.qcow2'));
      const shown = JSON.stringify(name);
      expect(() => openImage(source, { references: denyReferences })).toThrow(
        expect.objectContaining({ kind: 'denied', message: expect.stringContaining(shown) }),
      );
    },
  );

  test('never hands a protocol to the policy', () => {
    const asked: string[] = [];
    const references: ReferenceOpener = {
      open(name) {
        asked.push(name);
        throw new DiskError('io', 'Cannot open');
      },
    };
    for (const name of ['json:{"driver":"null-co"}', 'nbd:localhost:10809', 'file:/etc/passwd']) {
      qemuImg('create', '-f', 'qcow2', 'named.qcow2', '1M');
      qemuImg('rebase', '-u', '-f', 'qcow2', '-b', name, '-F', 'raw', 'named.qcow2');
      const source = FileSource.open(join(folder, 'named.qcow2'));
      expect(() => openImage(source, { references })).toThrow(expect.objectContaining({ kind: 'denied' }));
    }
    expect(asked).toEqual([]);
  });
});

describe('qcow2 with an external data file', () => {
  beforeAll(() => {
    qemuImg('create', '-f', 'qcow2', '-o', 'data_file=data.bin', 'external.qcow2', '4M');
    qemuIo('external.qcow2', 'write -P 1 0 64k', 'write -P 2 1M 100k', 'write -z 2M 64k');
  });

  test('reads it by the policy', () => {
    expectSameAsQemu('external.qcow2');
    expect(open('external.qcow2').facts.chain).toEqual(['data.bin']);
  });

  test('names it when the policy denies it', () => {
    const source = FileSource.open(join(folder, 'external.qcow2'));
    expect(() => openImage(source, { references: denyReferences })).toThrow(
      expect.objectContaining({ kind: 'denied', message: expect.stringContaining('"data.bin"') }),
    );
  });
});

describe('facts of a qcow2 image', () => {
  test('lists snapshots and reads the present, not them', () => {
    qemuImg('create', '-f', 'qcow2', 'snapshots.qcow2', '2M');
    qemuIo('snapshots.qcow2', 'write -P 1 0 256k');
    qemuImg('snapshot', '-c', 'before', 'snapshots.qcow2');
    qemuIo('snapshots.qcow2', 'write -P 2 64k 64k');
    qemuImg('snapshot', '-c', 'after', 'snapshots.qcow2');
    expectSameAsQemu('snapshots.qcow2');
    expect(open('snapshots.qcow2').facts.details.snapshots).toMatchObject([
      { id: '1', name: 'before', vm_state_size: 0, virtual_size: 2_097_152 },
      { id: '2', name: 'after', vm_state_size: 0, virtual_size: 2_097_152 },
    ]);
  });

  test('lists bitmaps', () => {
    qemuImg('create', '-f', 'qcow2', 'bitmaps.qcow2', '1M');
    qemuImg('bitmap', '--add', '-g', '128k', 'bitmaps.qcow2', 'changed');
    qemuImg('bitmap', '--add', '--disable', 'bitmaps.qcow2', 'stopped');
    expect(open('bitmaps.qcow2').facts.details.bitmaps).toEqual([
      { name: 'changed', granularity: 131_072, flags: ['auto'] },
      { name: 'stopped', granularity: 65_536, flags: [] },
    ]);
  });

  test('says what qemu-img info says', () => {
    qemuImg(
      'create',
      '-f',
      'qcow2',
      '-o',
      'cluster_size=32k,compression_type=zstd,lazy_refcounts=on,refcount_bits=8',
      'facts.qcow2',
      '3G',
    );
    const info = JSON.parse(qemuImg('info', '-f', 'qcow2', '--output=json', 'facts.qcow2').toString());
    const specific = info['format-specific'].data;
    const { facts } = open('facts.qcow2');
    expect(facts).toMatchObject({ format: 'qcow2', virtual_size: info['virtual-size'], chain: [], warnings: [] });
    expect(facts.details).toMatchObject({
      version: 3,
      compat: specific.compat,
      cluster_size: info['cluster-size'],
      compression_type: specific['compression-type'],
      refcount_bits: specific['refcount-bits'],
      lazy_refcounts: specific['lazy-refcounts'],
      extended_l2: specific['extended-l2'],
      corrupt: specific.corrupt,
    });
  });

  test('refuses what is encrypted with the scheme before LUKS', () => {
    const secret = ['--object', 'secret,id=key,data=passphrase'];
    const encryption = ['-o', 'encrypt.format=aes,encrypt.key-secret=key'];
    qemuImg('create', ...secret, '-f', 'qcow2', ...encryption, 'locked.qcow2', '1M');
    expect(() => open('locked.qcow2')).toThrow(expect.objectContaining({ kind: 'encrypted', format: 'qcow2' }));
  });
});
