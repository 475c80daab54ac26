import { copyFileSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FileSource } from '../../source/file-source.ts';
import { MemorySource } from '../../source/memory-source.ts';
import { expectBytes, expectExtents, QemuFolder, writeStructured } from '../../testing/qemu.ts';
import type { DiskImage, ReferenceOpener } from '../image.ts';
import { openChain, openImage } from '../open.ts';
import { denyReferences } from '../references.ts';

const SIZE = 3 * 2 ** 20;
let qemu: QemuFolder;

beforeAll(() => {
  qemu = new QemuFolder();
  writeStructured(qemu.file('base.raw'), SIZE);
  qemu.img('convert', '-f', 'raw', '-O', 'qcow2', 'base.raw', 'base.qcow2');
  qemu.img('create', '-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', 'disk.qcow2');
  qemu.io('qcow2', 'disk.qcow2', 'write -P 1 100k 300k');
  qemu.img('snapshot', '-c', 'first', 'disk.qcow2');
  qemu.io('qcow2', 'disk.qcow2', 'write -P 2 200k 64k', 'write -z 0 64k', 'discard 1M 64k');
  qemu.img('resize', '-f', 'qcow2', 'disk.qcow2', '+5M');
  qemu.io('qcow2', 'disk.qcow2', 'write -P 3 7M 100k');
  qemu.img('snapshot', '-c', '1', 'disk.qcow2');
  qemu.io('qcow2', 'disk.qcow2', 'write -P 4 0 2M');
});

afterAll(() => qemu.remove());

const inFolder: ReferenceOpener = { open: (name) => FileSource.open(qemu.file(name)) };

function open(snapshot?: string): DiskImage {
  const choice = snapshot === undefined ? {} : { snapshot };
  return openImage(FileSource.open(qemu.file('disk.qcow2')), { references: inFolder, ...choice });
}

/** A copy of the disk as qemu takes it back: `convert -l` would keep the size that the disk has now. */
function takenBackTo(snapshot: string): string {
  copyFileSync(qemu.file('disk.qcow2'), qemu.file('back.qcow2'));
  qemu.img('snapshot', '-a', snapshot, 'back.qcow2');
  return 'back.qcow2';
}

describe('an internal snapshot', () => {
  test('is read as qemu reads it, with the size that the disk had then, over the backing file', () => {
    expectBytes(open('first'), qemu.bytesOf('qcow2', takenBackTo('first')));
    expect(open('first').sizeBytes).toBe(SIZE);
  });

  test('has the map of the disk that is taken back to it', () => {
    expectExtents(open('first'), qemu.extentsOf('qcow2', takenBackTo('first')));
  });

  test('is chosen by its id before one that has that name', () => {
    expectBytes(open('1'), qemu.bytesOf('qcow2', takenBackTo('1')));
    expectBytes(open('2'), qemu.bytesOf('qcow2', takenBackTo('2')));
    expect(open('2').sizeBytes).toBe(SIZE + 5 * 2 ** 20);
  });

  test('leaves the present as it is when none is chosen', () => {
    expectBytes(open(), qemu.bytesOf('qcow2', 'disk.qcow2'));
  });

  test('that is not there is named, with those that are', () => {
    expect(() => open('third')).toThrow(
      expect.objectContaining({
        kind: 'not-found',
        message: 'Cannot open snapshot "third": the image has 2: "first", "1"',
      }),
    );
  });

  test('is refused of an image that can have none', () => {
    const raw = new MemorySource(new Uint8Array(512));
    expect(() => openImage(raw, { references: denyReferences, snapshot: 'first' })).toThrow(
      expect.objectContaining({ kind: 'unsupported', format: 'raw' }),
    );
  });

  test.each([
    ['with an L1 table that is too short for its disk', 8, 0, /l1_size is 0/],
    ['with an L1 table past the end of the file', 0, 1, /past the end of the file/],
    ['with an L1 table that is not where a cluster starts', 4, 1, /expected a multiple/],
  ])('%s is corrupt', (_, field, value, message) => {
    const bytes = readFileSync(qemu.file('disk.qcow2'));
    bytes.writeUInt32BE(value, Number(bytes.readBigUInt64BE(64)) + field);
    const source = new MemorySource(bytes);
    expect(() => openImage(source, { references: inFolder, snapshot: 'first' })).toThrow(
      expect.objectContaining({ kind: 'corrupt', message: expect.stringMatching(message) }),
    );
  });
});

describe('openChain', () => {
  test('tells every file that an image is made of, with what leads to it', () => {
    const { files } = openChain(FileSource.open(qemu.file('disk.qcow2')), { references: inFolder });
    expect(files).toMatchObject([
      { name: undefined, depth: 0, format: 'qcow2', virtualSizeBytes: SIZE + 5 * 2 ** 20 },
      { name: 'base.qcow2', depth: 1, format: 'qcow2', virtualSizeBytes: SIZE },
    ]);
  });

  test('tells the files that hold nothing but the bytes of another', () => {
    qemu.img('create', '-f', 'vmdk', '-o', 'subformat=monolithicFlat', 'flat.vmdk', '2M');
    const { files } = openChain(FileSource.open(qemu.file('flat.vmdk')), { references: inFolder });
    expect(files).toMatchObject([
      { name: undefined, depth: 0, format: 'vmdk', virtualSizeBytes: 2 * 2 ** 20 },
      { name: 'flat-flat.vmdk', depth: 1, format: undefined, sizeBytes: 2 * 2 ** 20 },
    ]);
  });
});
