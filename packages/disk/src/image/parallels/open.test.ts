import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DiskErrorKind } from '../../error.ts';
import { FileSource } from '../../source/file-source.ts';
import { MemorySource } from '../../source/memory-source.ts';
import { corpusAbsent, readCorpus, readCorpusText } from '../../testing/corpus.ts';
import { misbehaviour, mutate, seededRandom } from '../../testing/mutation.ts';
import { expectBytes, expectExtents, QemuFolder, writeStructured } from '../../testing/qemu.ts';
import type { DiskImage } from '../image.ts';
import { openImage } from '../open.ts';
import { denyReferences } from '../references.ts';

// The oracle is qemu-img: same file, same bytes, same map.

let qemu: QemuFolder;

beforeAll(() => {
  qemu = new QemuFolder();
});

afterAll(() => qemu.remove());

function open(bytes: Uint8Array): DiskImage {
  return openImage(new MemorySource(bytes), { claimedFormat: 'parallels', references: denyReferences });
}

function expectSameAsQemu(name: string): void {
  const source = FileSource.open(qemu.file(name));
  const image = openImage(source, { claimedFormat: 'parallels', references: denyReferences });
  expectBytes(image, qemu.bytesOf('parallels', name));
  expectExtents(image, qemu.extentsOf('parallels', name));
}

describe('Parallels image made by qemu-img', () => {
  test.each([
    [512, '1M'],
    [1_048_576, '1M'],
    [3_145_728 + 1536, '1M'],
    [3_145_728 + 1536, '64k'],
    [2_097_152 - 512, '4k'],
    [5_000_192, '2M'],
  ])('reads the same as qemu: %d bytes in clusters of %s', (size, cluster) => {
    writeStructured(qemu.file('structured.raw'), size, 400_000);
    const options = `cluster_size=${cluster}`;
    qemu.img('convert', '-f', 'raw', '-O', 'parallels', '-o', options, 'structured.raw', 'disk.hds');
    expectSameAsQemu('disk.hds');
  });

  test('reads scattered writes as qemu does', () => {
    qemu.img('create', '-f', 'parallels', 'scattered.hds', '40M');
    qemu.io('parallels', 'scattered.hds', 'write -P 1 39M 1M', 'write -P 2 100k 3k', 'write -P 3 20000k 5M');
    expectSameAsQemu('scattered.hds');
  });
});

interface Draft {
  readonly magic?: string;
  readonly entries?: readonly number[];
}

const CLUSTER = 1024;
const DATA_AT = 1024;

/** Three clusters in the file, filled with 1, 2 and 3, of a disk with four. */
function hds({ magic = 'WithouFreSpacExt', entries = [3, 0, 1, 2] }: Draft = {}): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(DATA_AT), ...[1, 2, 3].map((value) => Buffer.alloc(CLUSTER, value))]);
  bytes.write(magic, 'latin1');
  for (const [at, value] of [
    [16, 2],
    [28, CLUSTER / 512],
    [32, entries.length],
    [36, (entries.length * CLUSTER) / 512],
  ] as const) {
    bytes.writeUInt32LE(value, at);
  }
  for (const [index, entry] of entries.entries()) bytes.writeUInt32LE(entry, 64 + index * 4);
  return bytes;
}

const ANSWER = Buffer.concat([3, 0, 1, 2].map((value) => Buffer.alloc(CLUSTER, value)));

describe('Parallels image', () => {
  test('counts its blocks in clusters', () => expectBytes(open(hds()), ANSWER));

  test('of the older kind counts its blocks in sectors', () => {
    const bytes = hds({ magic: 'WithoutFreeSpace', entries: [6, 0, 2, 4] });
    // the older kind keeps something else in the high word of the size
    bytes.writeUInt32LE(0xdeadbeef, 40);
    expectBytes(open(bytes), ANSWER);
  });

  test('that was not closed is read, with a warning', () => {
    const bytes = hds();
    bytes.writeUInt32LE(0x746f6e59, 44);
    expect(open(bytes).facts).toMatchObject({
      details: { in_use: true },
      warnings: [expect.stringContaining('not closed')],
    });
  });

  test('in a bundle is asked for, when the description of the bundle is given', () => {
    const xml = '<?xml version="1.0" encoding="UTF-8"?>\n<Parallels_disk_image Version="1.0">\n';
    expect(() => open(Buffer.from(xml))).toThrow(
      expect.objectContaining({ kind: 'unsupported', message: expect.stringContaining('.hds') }),
    );
  });
});

interface Hostile {
  readonly what: string;
  readonly change: (bytes: Buffer) => unknown;
  /** `corrupt` when left out. */
  readonly kind?: DiskErrorKind;
  /** Where the error must say it is. */
  readonly at: number;
}

const u32 = (at: number, value: number) => (bytes: Buffer) => bytes.writeUInt32LE(value, at);

const HOSTILE: readonly Hostile[] = [
  { what: 'version 3', change: u32(16, 3), kind: 'unsupported', at: 16 },
  { what: 'clusters of no sectors', change: u32(28, 0), at: 28 },
  { what: 'clusters of 2 TiB', change: u32(28, 0xffffffff), at: 28 },
  { what: 'fewer entries than clusters', change: u32(32, 3), at: 32 },
  { what: '4 Gi entries', change: u32(32, 0xffffffff), at: 32 },
  { what: 'a disk of 2^63 sectors', change: u32(40, 0x80000000), at: 36 },
  { what: 'a cluster past the end', change: u32(64, 4), at: 64 },
  { what: 'a cluster at the largest number', change: u32(72, 0xffffffff), at: 72 },
];

/** Opens, maps and reads as much as a hostile size allows. */
function readAll(bytes: Uint8Array): void {
  const image = open(bytes);
  let count = 0;
  for (const _ of image.extents()) if (++count > 10_000) break;
  const most = Math.min(image.sizeBytes, 2 ** 20);
  image.read(0, most);
  image.read(image.sizeBytes - most, most);
}

describe('a hostile Parallels image', () => {
  test.each(HOSTILE)('with $what is refused, by kind and place', ({ change, kind = 'corrupt', at }) => {
    const bytes = hds();
    change(bytes);
    expect(() => readAll(bytes)).toThrow(expect.objectContaining({ kind, format: 'parallels', offset: at }));
  });

  test('with a cluster where the block table is, is refused', () => {
    const bytes = hds({ magic: 'WithoutFreeSpace', entries: new Array(200).fill(1) });
    expect(() => readAll(bytes)).toThrow(expect.objectContaining({ kind: 'corrupt', offset: 64 }));
  });

  test('is refused wherever it is cut', () => {
    for (let length = 16; length < hds().length; length += 31) {
      expect(() => readAll(hds().subarray(0, length)), `${length}`).toThrow(
        expect.objectContaining({ kind: 'corrupt' }),
      );
    }
  });

  test('never ends in anything but a DiskError, whatever is changed', () => {
    const random = seededRandom(20_260_103);
    for (let round = 0; round < 4000; round++) {
      const bytes = mutate(
        hds(),
        [
          [0, 64],
          [64, 80],
        ],
        random,
      );
      expect(misbehaviour(() => readAll(bytes))).toBeUndefined();
    }
  });
});

describe.skipIf(corpusAbsent !== undefined)('Parallels images of qemu', () => {
  test.each(['parallels-v1', 'parallels-v2', 'parallels-with-bitmap'])('%s is read as its answer says', (name) => {
    const answer = JSON.parse(readCorpusText(`formats/qemu/${name}.bz2.ref.json`));
    const image = open(readCorpus(`formats/qemu/${name}.bz2`));
    expect(image.sizeBytes).toBe(answer.qemu_img_info['virtual-size']);
    if (answer.raw_sha256 === undefined) return;
    const digest = createHash('sha256').update(image.read(0, image.sizeBytes)).digest('hex');
    expect(digest).toBe(answer.raw_sha256);
  });

  test('one with a bitmap says so', () => {
    expect(open(readCorpus('formats/qemu/parallels-with-bitmap.bz2')).facts.details).toMatchObject({ extension: true });
  });
});
