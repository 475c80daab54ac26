import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FileSource } from '../../source/file-source.ts';
import { expectBytes, QemuFolder, writeStructured } from '../../testing/qemu.ts';
import type { DiskImage, Extent } from '../image.ts';
import { openImage } from '../open.ts';
import { denyReferences } from '../references.ts';

// The oracle is qemu-img: same file, same bytes. It maps every VHDX as data throughout, so for extents it can only say which
// bytes are zero.

const folder = new QemuFolder();

afterAll(() => folder.remove());

function open(name: string): DiskImage {
  return openImage(FileSource.open(folder.file(name)), { claimedFormat: 'vhdx', references: denyReferences });
}

function expectSameAsQemu(name: string): DiskImage {
  const image = open(name);
  const answer = folder.bytesOf('vhdx', name);
  expectBytes(image, answer);
  for (const { offset, length, kind } of image.extents()) {
    if (kind !== 'data') expect(answer.subarray(offset, offset + length).every((byte) => byte === 0)).toBe(true);
  }
  return image;
}

const kindsOf = (extents: Iterable<Extent>) => [...extents].map(({ offset, length, kind }) => [offset, length, kind]);

const MIB = 2 ** 20;
const SIZES = [512, MIB, 6 * MIB + 1536, 33 * MIB + 512];
const OPTIONS = [
  'subformat=dynamic',
  'subformat=dynamic,block_state_zero=off',
  'subformat=dynamic,block_size=1M',
  'subformat=dynamic,block_size=2M,log_size=2M',
  'subformat=dynamic,block_size=256M',
  'subformat=fixed',
  'subformat=fixed,block_size=1M',
];

describe('VHDX made by qemu-img', () => {
  beforeAll(() => {
    for (const size of SIZES) writeStructured(folder.file(`${size}.raw`), size, size > 2 ** 24 ? 9_000_000 : 150_000);
  });

  test.each(SIZES.flatMap((size) => OPTIONS.map((options) => ({ size, options }))))(
    'reads the same as qemu: $size bytes, $options',
    ({ size, options }) => {
      folder.img('convert', '-f', 'raw', '-O', 'vhdx', '-o', options, `${size}.raw`, 'image.vhdx');
      const { facts } = expectSameAsQemu('image.vhdx');
      expect(facts).toMatchObject({ format: 'vhdx', virtual_size: size, chain: [], warnings: [] });
      expect(facts.details).toMatchObject({
        type: options.includes('fixed') ? 'fixed' : 'dynamic',
        logical_sector_size: 512,
        creator: expect.stringContaining('QEMU'),
        replayed_log_entries: 0,
        parent: null,
      });
    },
  );

  test('maps blocks that were written here and there', () => {
    folder.img('create', '-f', 'vhdx', '-o', 'block_size=1M,block_state_zero=off', 'scattered.vhdx', '64M');
    folder.io(
      'vhdx',
      'scattered.vhdx',
      'write -P 1 40M 512',
      'write -P 2 3M 4k',
      'write -P 3 5M 3M',
      'write -P 4 0 1k',
    );
    expect(kindsOf(expectSameAsQemu('scattered.vhdx').extents())).toEqual([
      [0, MIB, 'data'],
      [MIB, 2 * MIB, 'absent'],
      [3 * MIB, MIB, 'data'],
      [4 * MIB, MIB, 'absent'],
      [5 * MIB, 3 * MIB, 'data'],
      [8 * MIB, 32 * MIB, 'absent'],
      [40 * MIB, MIB, 'data'],
      [41 * MIB, 23 * MIB, 'absent'],
    ]);
  });

  test('tells blocks of zeros from blocks that are not there', () => {
    folder.img('create', '-f', 'vhdx', '-o', 'block_size=1M,block_state_zero=on', 'zeros.vhdx', '4M');
    folder.io('vhdx', 'zeros.vhdx', 'write -P 1 1M 1M');
    expect(kindsOf(expectSameAsQemu('zeros.vhdx').extents())).toMatchObject([
      [0, MIB, expect.stringMatching('zero|absent')],
      [MIB, MIB, 'data'],
      [2 * MIB, 2 * MIB, expect.stringMatching('zero|absent')],
    ]);
  });

  test('reads past the entries for sector bitmaps in the table, on a disk of 10 TiB', () => {
    folder.img('create', '-f', 'vhdx', '-o', 'block_size=64M', 'large.vhdx', '10T');
    folder.io('vhdx', 'large.vhdx', 'write -P 1 5T 512', 'write -P 2 10239G 512');
    const image = open('large.vhdx');
    expect(image.sizeBytes).toBe(10 * 2 ** 40);
    expect(image.read(5 * 2 ** 40 - 1, 3)).toEqual(Uint8Array.of(0, 1, 1));
    expect(image.read(10_239 * 2 ** 30 + 510, 3)).toEqual(Uint8Array.of(2, 2, 0));
  });
});
