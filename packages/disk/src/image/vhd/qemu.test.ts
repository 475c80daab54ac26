import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FileSource } from '../../source/file-source.ts';
import { expectBytes, expectExtents, QemuFolder, writeStructured } from '../../testing/qemu.ts';
import type { DiskImage } from '../image.ts';
import { openImage } from '../open.ts';
import { denyReferences } from '../references.ts';

// The oracle is qemu-img: same file, same bytes, same map.

const folder = new QemuFolder();

afterAll(() => folder.remove());

function open(name: string): DiskImage {
  return openImage(FileSource.open(folder.file(name)), { claimedFormat: 'vpc', references: denyReferences });
}

function expectSameAsQemu(name: string): void {
  const image = open(name);
  expectBytes(image, folder.bytesOf('vpc', name));
  expectExtents(image, folder.extentsOf('vpc', name));
}

/** Fills the holes of a file: qemu-img takes those of a fixed disk for zeros, we for data. */
function fillHoles(name: string): void {
  const bytes = readFileSync(folder.file(name));
  writeFileSync(folder.file(name), bytes);
}

const SIZES = [512, 65_536, 2_097_152, 2_097_664, 6_291_456 + 1536, 33_554_432 + 512];

describe('VHD made by qemu-img', () => {
  beforeAll(() => {
    for (const size of SIZES) writeStructured(folder.file(`${size}.raw`), size, size > 2 ** 24 ? 4_000_000 : 150_000);
  });

  test.each(SIZES.flatMap((size) => ['off', 'on'].map((force) => ({ size, force }))))(
    'reads the same as qemu: dynamic, $size bytes, force_size=$force',
    ({ size, force }) => {
      folder.img('convert', '-f', 'raw', '-O', 'vpc', '-o', `force_size=${force}`, `${size}.raw`, 'dynamic.vhd');
      expectSameAsQemu('dynamic.vhd');
      const { facts } = open('dynamic.vhd');
      expect(facts).toMatchObject({ format: 'vhd', chain: [], warnings: [] });
      expect(facts.details).toMatchObject({
        type: 'dynamic',
        block_size: 2_097_152,
        creator_application: force === 'on' ? 'qem2' : 'qemu',
      });
    },
  );

  test.each(SIZES.flatMap((size) => ['off', 'on'].map((force) => ({ size, force }))))(
    'reads the same as qemu: fixed, $size bytes, force_size=$force',
    ({ size, force }) => {
      const options = `subformat=fixed,force_size=${force}`;
      folder.img('convert', '-f', 'raw', '-O', 'vpc', '-o', options, `${size}.raw`, 'fixed.vhd');
      fillHoles('fixed.vhd');
      expectSameAsQemu('fixed.vhd');
      expect(open('fixed.vhd').facts.details).toMatchObject({ type: 'fixed', block_size: null });
    },
  );

  test('maps blocks that were written here and there', () => {
    folder.img('create', '-f', 'vpc', 'scattered.vhd', '64M');
    folder.io('vpc', 'scattered.vhd', 'write -P 1 40M 512', 'write -P 2 3M 4k', 'write -P 3 5M 3M', 'write -P 4 0 1k');
    expectSameAsQemu('scattered.vhd');
  });

  test('reads a disk of 2 TiB that holds little, and its far end', () => {
    folder.img('create', '-f', 'vpc', '-o', 'force_size=on', 'large.vhd', '2040G');
    folder.io('vpc', 'large.vhd', 'write -P 1 2039G 512');
    const image = open('large.vhd');
    expect(image.sizeBytes).toBe(2040 * 2 ** 30);
    expect(image.read(2039 * 2 ** 30 - 1, 3)).toEqual(Uint8Array.of(0, 1, 1));
    expect([...image.extents()]).toEqual(folder.extentsOf('vpc', 'large.vhd'));
  });
});
