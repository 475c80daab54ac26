import { describe, expect, test } from 'vitest';
import { DiskError } from '../../error.ts';
import { MemorySource } from '../../source/memory-source.ts';
import type { DiskImage } from '../image.ts';
import { openImage } from '../open.ts';
import { denyReferences } from '../references.ts';
import { buildVhd, type ParentRecipe } from './testing.ts';

const ALL = Array.from({ length: 16 }, (_, sector) => sector);
const BASE = buildVhd({
  uniqueId: 1,
  blocks: new Map([
    [0, { sectors: ALL, fill: 0x40 }],
    [1, { sectors: ALL, fill: 0x60 }],
  ]),
});

/** Opens a child over the files given by name. */
function open(child: Buffer, files: Readonly<Record<string, Buffer>>): DiskImage {
  const references = {
    open(name: string) {
      const file = files[name];
      if (file === undefined) throw new DiskError('denied', `Cannot open reference "${name}": no such file`);
      return new MemorySource(file);
    },
  };
  return openImage(new MemorySource(child), { references });
}

function child(parent: Partial<ParentRecipe> = {}): Buffer {
  return buildVhd({
    type: 'differencing',
    uniqueId: 2,
    parent: { uniqueId: 1, relativePath: '.\\base.vhd', ...parent },
    blocks: new Map([[0, { sectors: [1, 2, 9], fill: 0x80 }]]),
  });
}

const sectorsOf = (image: DiskImage) => Array.from({ length: 32 }, (_, sector) => image.read(sector * 512 + 511, 1)[0]);

describe('a differencing VHD', () => {
  test('has its own sectors where the bitmap says so, and those of the parent elsewhere', () => {
    const image = open(child(), { 'base.vhd': BASE });
    const own = new Map([
      [1, 0x81],
      [2, 0x82],
      [9, 0x89],
    ]);
    const expected = Array.from({ length: 32 }, (_, sector) => own.get(sector) ?? (sector < 16 ? 0x40 : 0x50) + sector);
    expect(sectorsOf(image)).toEqual(expected);
    expect(image.read(0, image.sizeBytes).subarray(2 * 8192)).toEqual(new Uint8Array(6 * 8192));
  });

  test('is stored where it or the parent is', () => {
    expect([...open(child(), { 'base.vhd': BASE }).extents()]).toEqual([
      { offset: 0, length: 16_384, kind: 'data' },
      { offset: 16_384, length: 49_152, kind: 'zero' },
    ]);
  });

  test('tells of its parent', () => {
    const { facts } = open(child({ timestamp: 2000, absolutePath: 'D:\\disks\\base.vhd', name: 'base' }), {
      'base.vhd': BASE,
    });
    expect(facts).toMatchObject({ chain: ['base.vhd'], warnings: [] });
    expect(facts.details).toMatchObject({
      type: 'differencing',
      unique_id: '02020202-0202-0202-0202-020202020202',
      created_at: '2000-01-01T00:16:40.000Z',
      parent: {
        unique_id: '01010101-0101-0101-0101-010101010101',
        modified_at: '2000-01-01T00:33:20.000Z',
        name: 'base',
        relative_path: '.\\base.vhd',
        absolute_path: 'D:\\disks\\base.vhd',
      },
    });
  });

  test.each([
    { locators: { relativePath: '.\\base.vhd', absolutePath: 'C:\\other.vhd' }, asks: 'base.vhd' },
    { locators: { relativePath: '..\\images\\base.vhd' }, asks: '../images/base.vhd' },
    { locators: { relativePath: '\\etc\\passwd' }, asks: 'passwd' },
    { locators: { relativePath: 'C:base.vhd' }, asks: 'base.vhd' },
    { locators: { relativePath: '', absolutePath: 'C:\\disks\\base.vhd' }, asks: 'base.vhd' },
    { locators: { relativePath: '', absolutePath: '\\\\server\\share\\base.vhd' }, asks: 'base.vhd' },
    { locators: { relativePath: '', name: 'C:\\disks\\base.vhd' }, asks: 'base.vhd' },
  ])('asks the policy for $asks when its parent is $locators', ({ locators, asks }) => {
    expect(open(child(locators), { [asks]: BASE }).facts.chain).toEqual([asks]);
  });

  test.each([{}, { relativePath: 'json:{"driver":"null-co"}' }, { relativePath: '' }])(
    'opens nothing of %o by itself',
    (locators) => {
      const source = new MemorySource(child(locators));
      expect(() => openImage(source, { references: denyReferences })).toThrow(
        expect.objectContaining({ kind: 'denied' }),
      );
    },
  );

  test('refuses a parent that is another disk', () => {
    const other = buildVhd({ uniqueId: 9 });
    expect(() => open(child(), { 'base.vhd': other })).toThrow(
      'Cannot use parent "base.vhd": its unique id is 09090909-0909-0909-0909-090909090909, expected 01010101',
    );
  });

  test('refuses a parent that is no VHD', () => {
    expect(() => open(child(), { 'base.vhd': Buffer.alloc(65_536) })).toThrow('"vhd" was claimed');
  });

  test('warns of a parent that was created after its time was recorded', () => {
    const { facts } = open(child({ timestamp: 999 }), { 'base.vhd': BASE });
    expect(facts.warnings).toEqual([expect.stringContaining('parent was created at 2000-01-01T00:16:40.000Z')]);
  });

  test('reads zeros past the end of a smaller parent', () => {
    const small = buildVhd({ uniqueId: 1, sizeBytes: 1024, blocks: new Map([[0, { sectors: [0], fill: 0x40 }]]) });
    const image = open(child(), { 'base.vhd': small });
    expect(sectorsOf(image).slice(0, 5)).toEqual([0x40, 0x81, 0x82, 0, 0]);
  });

  test('reads through a chain of three', () => {
    const top = buildVhd({
      type: 'differencing',
      uniqueId: 3,
      parent: { uniqueId: 2, relativePath: 'child.vhd' },
      blocks: new Map([[1, { sectors: [3], fill: 0xa0 }]]),
    });
    const image = open(top, { 'child.vhd': child(), 'base.vhd': BASE });
    expect(image.facts.chain).toEqual(['child.vhd', 'base.vhd']);
    expect([0, 1, 2, 16, 19].map((sector) => image.read(sector * 512, 1)[0])).toEqual([0x40, 0x81, 0x82, 0x60, 0xa3]);
  });

  test('ends when it is its own parent', () => {
    const self = child({ uniqueId: 2, relativePath: 'self.vhd' });
    expect(() => open(self, { 'self.vhd': self })).toThrow(expect.objectContaining({ kind: 'corrupt' }));
  });
});
