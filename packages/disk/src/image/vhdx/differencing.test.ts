import { describe, expect, test } from 'vitest';
import { DiskError } from '../../error.ts';
import type { DiskImage } from '../image.ts';
import { openImage } from '../open.ts';
import { denyReferences } from '../references.ts';
import { MIB } from './layout.ts';
import { buildVhdx, type VhdxFile, type VhdxRecipe } from './testing.ts';

const LINKAGE = '{01010101-0101-0101-0101-010101010101}';
/** A block in which each sector of 512 bytes is filled with its number, after a first one. */
const counted = (first: number) =>
  Buffer.from(Array.from({ length: 64 * 512 }, (_, index) => first + Math.floor(index / 512)));

const BASE = buildVhdx({
  bat: new Map([
    [0, [6, 4]],
    [1, [6, 5]],
    [3, [6, 6]],
  ]),
  blocks: new Map([4, 5, 6].map((mib) => [mib, counted(0x40)])),
});

/** Block 0 in part, 1 whole, 2 not there, 3 known to be zero; the bitmap block is the one after 4096 blocks. */
function child(parent: Readonly<Record<string, string>> = {}, recipe: VhdxRecipe = {}): VhdxFile {
  const bitmap = Buffer.alloc(256);
  bitmap.writeUInt8(0b0000_0110, 0);
  bitmap.writeUInt8(0b0000_0001, 1);
  return buildVhdx({
    dataWriteGuid: 2,
    bat: new Map([
      [0, [7, 4]],
      [1, [6, 5]],
      [3, [2, 0]],
      [4096, [6, 6]],
    ]),
    blocks: new Map([
      [4, counted(0x80)],
      [5, counted(0xa0)],
      [6, bitmap],
    ]),
    parent: { parent_linkage: LINKAGE, relative_path: '.\\base.vhdx', ...parent },
    ...recipe,
  });
}

/** Opens a child over the files given by name. */
function open(file: VhdxFile, files: Readonly<Record<string, VhdxFile>>): DiskImage {
  const references = {
    open(name: string) {
      const parent = files[name];
      if (parent === undefined) throw new DiskError('denied', `Cannot open reference "${name}": no such file`);
      return parent.source;
    },
  };
  return openImage(file.source, { references });
}

const sectors = (image: DiskImage, at: number, count: number) =>
  Array.from({ length: count }, (_, sector) => image.read(at + sector * 512 + 511, 1)[0]);

describe('a differencing VHDX', () => {
  test('has its own sectors where the bitmap says so, and those of the parent elsewhere', () => {
    const image = open(child(), { 'base.vhdx': BASE });
    const expected = [0x40, 0x81, 0x82, 0x43, 0x44, 0x45, 0x46, 0x47, 0x88, 0x49, 0x4a];
    expect(sectors(image, 0, 11)).toEqual(expected);
    expect(sectors(image, MIB, 2)).toEqual([0xa0, 0xa1]);
    expect(image.read(2 * MIB, 2 * MIB)).toEqual(new Uint8Array(2 * MIB));
  });

  test('is stored where it or the parent is', () => {
    const extents = [...open(child(), { 'base.vhdx': BASE }).extents()];
    expect(extents.map(({ offset, length, kind }) => [offset / MIB, length / MIB, kind])).toEqual([
      [0, 2, 'data'],
      [2, 1, 'absent'],
      [3, 1, 'zero'],
    ]);
  });

  test('tells of its parent', () => {
    const { facts } = open(child({ absolute_win32_path: 'D:\\disks\\base.vhdx' }), { 'base.vhdx': BASE });
    expect(facts).toMatchObject({ chain: ['base.vhdx'], warnings: [] });
    expect(facts.details).toMatchObject({
      type: 'differencing',
      parent: {
        linkage: LINKAGE,
        relative_path: '.\\base.vhdx',
        absolute_path: 'D:\\disks\\base.vhdx',
        volume_path: null,
      },
    });
  });

  test.each([
    { locator: { relative_path: 'images\\base.vhdx' }, asks: 'images/base.vhdx' },
    { locator: { relative_path: '', absolute_win32_path: 'C:\\disks\\base.vhdx' }, asks: 'base.vhdx' },
    { locator: { relative_path: '', volume_path: '\\\\?\\Volume{5e0bd954}\\disks\\base.vhdx' }, asks: 'base.vhdx' },
  ])('asks the policy for $asks when its parent is $locator', ({ locator, asks }) => {
    expect(open(child(locator), { [asks]: BASE }).facts.chain).toEqual([asks]);
  });

  test('opens nothing by itself', () => {
    expect(() => openImage(child().source, { references: denyReferences })).toThrow(
      expect.objectContaining({ kind: 'denied', message: expect.stringContaining('"base.vhdx"') }),
    );
  });

  test('refuses a parent that was written to since', () => {
    const written = buildVhdx({ dataWriteGuid: 9 });
    expect(() => open(child(), { 'base.vhdx': written })).toThrow('its content is version 09090909-0909');
  });

  test('takes the second linkage too, in any case of letters', () => {
    const parent = { parent_linkage: '{FFFFFFFF-0000-0000-0000-000000000000}', parent_linkage2: LINKAGE.toUpperCase() };
    expect(open(child(parent), { 'base.vhdx': BASE }).facts.chain).toEqual(['base.vhdx']);
  });

  test('refuses a parent when there is no linkage to tell it by', () => {
    expect(() => open(child({ parent_linkage: '' }), { 'base.vhdx': BASE })).toThrow(
      expect.objectContaining({ kind: 'corrupt' }),
    );
  });

  test('reads sectors of 4096 bytes by their own bitmap', () => {
    // with blocks eight times as large too, the entry of the bitmap still comes after 4096 blocks
    const blockSize = 8 * MIB;
    const file = child(
      {},
      {
        sectorSize: 4096,
        blockSize,
        fileMib: 16,
        bat: new Map([
          [0, [7, 5]],
          [4096, [6, 4]],
        ]),
        blocks: new Map([
          [4, Buffer.of(0b10)],
          [5, counted(0x80)],
        ]),
      },
    );
    const image = open(file, { 'base.vhdx': BASE });
    expect(sectors(image, 0, 17)).toEqual([
      0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x88, 0x89, 0x8a, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f, 0x50,
    ]);
  });

  test('ends when it is its own parent', () => {
    const self = child({ parent_linkage: '{02020202-0202-0202-0202-020202020202}', relative_path: 'self.vhdx' });
    expect(() => open(self, { 'self.vhdx': self })).toThrow(expect.objectContaining({ kind: 'corrupt' }));
  });
});
