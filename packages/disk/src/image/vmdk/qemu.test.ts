import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FileSource } from '../../source/file-source.ts';
import { MemorySource } from '../../source/memory-source.ts';
import { corpusAbsent, readCorpus, readCorpusText } from '../../testing/corpus.ts';
import { expectBytes, expectExtents, QemuFolder, writeStructured } from '../../testing/qemu.ts';
import type { DiskImage, ReferenceOpener } from '../image.ts';
import { openImage } from '../open.ts';
import { denyReferences } from '../references.ts';

// The oracle is qemu-img: same file, same bytes, same map.

let qemu: QemuFolder;

beforeAll(() => {
  qemu = new QemuFolder();
});

afterAll(() => qemu.remove());

const inFolder: ReferenceOpener = { open: (name) => FileSource.open(qemu.file(name)) };

function open(name: string): DiskImage {
  return openImage(FileSource.open(qemu.file(name)), { claimedFormat: 'vmdk', references: inFolder });
}

function expectSameAsQemu(name: string): void {
  const image = open(name);
  expectBytes(image, qemu.bytesOf('vmdk', name));
  expectExtents(image, qemu.extentsOf('vmdk', name));
}

/** qemu maps the holes of a flat file too; we see a file, so there must be none. */
function fillHoles(name: string): void {
  writeFileSync(qemu.file(name), readFileSync(qemu.file(name)));
}

const SIZES = [512, 65_536, 1_048_576 + 512, 3_145_728 + 1536, 40_000_000 - (40_000_000 % 512)];
const SPARSE = ['monolithicSparse', 'streamOptimized', 'twoGbMaxExtentSparse'];
const FLAT = ['monolithicFlat', 'twoGbMaxExtentFlat'];

describe('VMDK made by qemu-img', () => {
  beforeAll(() => {
    for (const size of SIZES) writeStructured(qemu.file(`${size}.raw`), size, size > 2 ** 24 ? 5_000_000 : 150_000);
  });

  const create = (options: string, size: number) =>
    qemu.img('convert', '-f', 'raw', '-O', 'vmdk', '-o', options, `${size}.raw`, 'disk.vmdk');

  test.each(SPARSE.flatMap((subformat) => SIZES.map((size) => ({ subformat, size }))))(
    'reads the same as qemu: $subformat, $size bytes',
    ({ subformat, size }) => {
      create(`subformat=${subformat}`, size);
      expectSameAsQemu('disk.vmdk');
      expect(open('disk.vmdk').facts).toMatchObject({
        details: { create_type: subformat, adapter_type: 'ide' },
        warnings: [],
      });
    },
  );

  test.each(FLAT.flatMap((subformat) => SIZES.slice(0, 4).map((size) => ({ subformat, size }))))(
    'reads the same as qemu: $subformat, $size bytes',
    ({ subformat, size }) => {
      create(`subformat=${subformat}`, size);
      const name = subformat === 'monolithicFlat' ? 'disk-flat.vmdk' : 'disk-f001.vmdk';
      fillHoles(name);
      expectSameAsQemu('disk.vmdk');
      expect(open('disk.vmdk').facts).toMatchObject({ chain: [name], details: { create_type: subformat } });
    },
  );

  test('reads grains that are zero, and some that are not there, as qemu does', () => {
    qemu.img('create', '-f', 'vmdk', '-o', 'zeroed_grain=on,adapter_type=lsilogic', 'zeroed.vmdk', '40M');
    qemu.io(
      'vmdk',
      'zeroed.vmdk',
      'write -P 1 39M 1M',
      'write -P 2 100k 3k',
      'write -z 1M 512k',
      'write -P 3 20000k 5M',
    );
    expectSameAsQemu('zeroed.vmdk');
    expect(open('zeroed.vmdk').facts.details).toMatchObject({ adapter_type: 'lsilogic' });
  });

  test.each(['twoGbMaxExtentSparse', 'twoGbMaxExtentFlat'])(
    'reads across the extents of a disk of 5 GiB: %s',
    (subformat) => {
      qemu.img('create', '-f', 'vmdk', '-o', `subformat=${subformat}`, 'large.vmdk', '5G');
      qemu.io('vmdk', 'large.vmdk', 'write -P 1 2097100k 100k', 'write -P 2 4194304k 512', 'write -P 3 5242879k 1k');
      const image = open('large.vmdk');
      expect(image.sizeBytes).toBe(5 * 2 ** 30);
      const bytes = image.read(2_097_099 * 1024, 102 * 1024);
      const answer = Buffer.concat([Buffer.alloc(1024), Buffer.alloc(100 * 1024, 1), Buffer.alloc(1024)]);
      expect(answer.equals(bytes)).toBe(true);
      expect(image.read(4 * 2 ** 30, 1)).toEqual(Uint8Array.of(2));
      expect(image.read(5 * 2 ** 30 - 1, 1)).toEqual(Uint8Array.of(3));
      expect(image.facts.chain).toHaveLength(3);
      if (subformat === 'twoGbMaxExtentSparse')
        expect([...image.extents()]).toEqual(qemu.extentsOf('vmdk', 'large.vmdk'));
    },
  );

  test('says what qemu-img info says', () => {
    create('subformat=monolithicSparse', 65_536);
    const info = JSON.parse(qemu.img('info', '-f', 'vmdk', '--output=json', 'disk.vmdk').toString());
    const { cid, 'create-type': createType } = info['format-specific'].data;
    expect(open('disk.vmdk').facts).toMatchObject({
      format: 'vmdk',
      virtual_size: info['virtual-size'],
      details: {
        create_type: createType,
        cid: cid.toString(16).padStart(8, '0'),
        parent_cid: null,
        extents: [{ cluster_size: info['cluster-size'], compressed: false, virtual_size: 65_536 }],
      },
      chain: [],
      warnings: [],
    });
  });
});

describe('VMDK with parents', () => {
  beforeAll(() => {
    writeStructured(qemu.file('base.raw'), 3_000_320);
    qemu.img('convert', '-f', 'raw', '-O', 'vmdk', 'base.raw', 'base.vmdk');
    qemu.img('create', '-f', 'vmdk', '-b', 'base.vmdk', '-F', 'vmdk', '-o', 'zeroed_grain=on', 'middle.vmdk');
    qemu.io('vmdk', 'middle.vmdk', 'write -P 7 100k 200k', 'write -z 1M 128k');
  });

  test('reads through a chain as qemu does, with the nearest names first', () => {
    qemu.img('create', '-f', 'vmdk', '-b', 'middle.vmdk', '-F', 'vmdk', 'top.vmdk');
    qemu.io('vmdk', 'top.vmdk', 'write -P 8 150k 3k', 'write -P 9 2500k 64k');
    expectSameAsQemu('top.vmdk');
    expect(open('top.vmdk').facts.chain).toEqual(['middle.vmdk', 'base.vmdk']);
  });

  test('refuses a parent that was written to since', () => {
    qemu.img('create', '-f', 'vmdk', '-b', 'base.vmdk', '-F', 'vmdk', 'stale.vmdk');
    const bytes = readFileSync(qemu.file('base.vmdk'));
    const at = bytes.indexOf('CID=') + 4;
    // qemu writes no zeros before an id of fewer than eight digits
    writeFileSync(qemu.file('base.vmdk'), Buffer.from(bytes).fill('0', at, bytes.indexOf('\n', at)));
    expect(() => open('stale.vmdk')).toThrow(
      expect.objectContaining({ kind: 'corrupt', message: expect.stringContaining('content id is 00000000') }),
    );
    writeFileSync(qemu.file('base.vmdk'), bytes);
  });

  test('names the parent and opens nothing where the policy denies it', () => {
    const source = FileSource.open(qemu.file('middle.vmdk'));
    expect(() => openImage(source, { references: denyReferences })).toThrow(
      expect.objectContaining({ kind: 'denied', message: expect.stringContaining('"base.vmdk"') }),
    );
  });
});

describe.skipIf(corpusAbsent !== undefined)('VMDK of others', () => {
  test('ext2.vmdk is read as its answer says', () => {
    const answer = JSON.parse(readCorpusText('formats/dfvfs/ext2.vmdk.xz.ref.json'));
    const image = openImage(new MemorySource(readCorpus('formats/dfvfs/ext2.vmdk.xz')), { references: denyReferences });
    const digest = createHash('sha256').update(image.read(0, image.sizeBytes)).digest('hex');
    expect(digest).toBe(answer.raw_sha256);
    expect(image.facts.details).toMatchObject({ cid: 'dc80b6c7', create_type: 'monolithicSparse' });
  });
});
