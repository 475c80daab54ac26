import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MemorySource } from '../../source/memory-source.ts';
import { createFileTree } from '../tree.ts';
import { readBootCatalogue } from './boot-catalogue.ts';
import { DESCRIPTORS_AT, FLAG, RECORD } from './layout.ts';
import { hasIsoTools, makeIso, openBytes } from './testing/image.ts';

describe.skipIf(!hasIsoTools)('a disc', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-iso9660-'));
    mkdirSync(path.join(folder, 'from'));
    for (const [name, size] of Object.entries({ a: 3000, b: 5000, 'boot.img': 2048, 'efi.img': 4096 })) {
      writeFileSync(path.join(folder, 'from', name), name.repeat(size).slice(0, size));
    }
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test('says what may be booted from it', () => {
    const bios = '-b boot.img -c boot.cat -no-emul-boot -boot-load-size 4';
    const bytes = made(`xorriso -R ${bios} -eltorito-alt-boot -e efi.img -no-emul-boot`);
    const entries = readBootCatalogue(new MemorySource(bytes));
    expect(entries).toMatchObject([
      { platform: 'x86', isBootable: true, media: 'none', loadSegment: 0, sectorCount: 4 },
      { platform: 'EFI', isBootable: true, media: 'none' },
    ]);
    const contents = entries.map(({ offset }) => Buffer.from(bytes.subarray(offset, offset + 8)).toString());
    expect(contents).toEqual(['boot.img', 'efi.img'].map((name) => name.repeat(2).slice(0, 8)));
  });

  test('without El Torito boots nothing', () => {
    expect(readBootCatalogue(new MemorySource(made('xorriso -R')))).toEqual([]);
  });

  test('joins the extents of a file that has several', () => {
    const bytes = made('genisoimage -iso-level 3');
    const [first, second] = [recordOf(bytes, 'A.;1'), recordOf(bytes, 'B.;1')];
    bytes[first + RECORD.flags[0]] = FLAG.multiExtent;
    bytes[second + 33] = 'A'.charCodeAt(0);
    const content = createFileTree(openBytes(bytes)).readFile('/a');
    expect(content.length).toBe(8000);
    expect(Buffer.from(content.subarray(2998, 3002)).toString()).toBe('aabb');
  });

  test('skips the extended attribute record in front of a file, and what is associated with another', () => {
    const bytes = made('genisoimage -iso-level 3');
    bytes[recordOf(bytes, 'A.;1') + RECORD.extended_attribute_length[0]] = 1;
    bytes[recordOf(bytes, 'B.;1') + RECORD.flags[0]] = FLAG.associated;
    const tree = createFileTree(openBytes(bytes));
    // behind the first block of the file comes its second, then the next file
    expect(Buffer.from(tree.readFile('/A').subarray(950, 954)).toString()).toBe('aa\0\0');
    expect(tree.names('/')).toEqual(['A', 'BOOT.IMG', 'EFI.IMG']);
  });

  test('refuses to open a file that is interleaved', () => {
    const bytes = made('genisoimage -iso-level 3');
    bytes[recordOf(bytes, 'A.;1') + RECORD.file_unit_size[0]] = 1;
    const open = () => createFileTree(openBytes(bytes)).readFile('/A');
    expect(open).toThrow(expect.objectContaining({ kind: 'unsupported', format: 'iso9660' }));
  });

  test('with blocks of 512 bytes is read by them', () => {
    const bytes = made('genisoimage -iso-level 3');
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    view.setUint16(DESCRIPTORS_AT + 128, 512, true);
    view.setUint16(DESCRIPTORS_AT + 130, 512);
    const records = [
      DESCRIPTORS_AT + 156,
      ...ownRecords(bytes),
      ...['A.;1', 'B.;1'].map((name) => recordOf(bytes, name)),
    ];
    for (const at of records) view.setUint32(at + 2, view.getUint32(at + 2, true) * 4, true);
    view.setUint32(DESCRIPTORS_AT + 162, view.getUint32(DESCRIPTORS_AT + 158, true));
    const disc = openBytes(bytes);
    expect(disc.warnings).toEqual([]);
    expect(Buffer.from(createFileTree(disc).readFile('/B').subarray(4998)).toString()).toBe('bb');
  });

  test('whose numbers differ in their two byte orders says so', () => {
    const bytes = made('genisoimage -iso-level 3');
    bytes[DESCRIPTORS_AT + 84] = 0xff;
    expect(openBytes(bytes).warnings).toEqual([expect.stringContaining('volume_space_size')]);
  });

  test('that is cut says so', () => {
    const bytes = made('genisoimage -iso-level 3');
    expect(openBytes(bytes.subarray(0, bytes.length - 2048)).warnings).toEqual([expect.stringContaining('truncated')]);
  });

  function made(command: string): Buffer {
    return readFileSync(makeIso(path.join(folder, 'image'), path.join(folder, 'from'), command));
  }
});

/** Where the record of a file begins, by the name that is stored. */
function recordOf(bytes: Buffer, identifier: string): number {
  const at = bytes.indexOf(Buffer.concat([Uint8Array.of(identifier.length), Buffer.from(identifier)]));
  if (at === -1) throw new Error(`Cannot find the record of ${identifier}`);
  return at - 32;
}

/** Of the root: its own and that of its parent. */
function ownRecords(bytes: Buffer): readonly number[] {
  const root = bytes.readUInt32LE(DESCRIPTORS_AT + 158) * 2048;
  return [root, root + (bytes[root] as number)];
}
