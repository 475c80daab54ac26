import { describe, expect, test } from 'vitest';
import { MemorySource } from '../../source/memory-source.ts';
import { readAll } from '../testing/read-all.ts';
import { fatFormat } from './format.ts';
import { openFat } from './open.ts';
import { entry, FatImage, FOLDER } from './testing/fat-image.ts';

interface Hostile {
  readonly what: string;
  readonly damage: (image: FatImage) => void;
  readonly message: RegExp;
  readonly bits?: 12 | 16 | 32;
  /** Where the error is said to be. */
  readonly offset?: number | ((image: FatImage) => number);
}

const BOOT_SECTORS: readonly Hostile[] = [
  { what: 'sectors of 0 bytes', damage: (image) => image.set16(11, 0), message: /sector_size/, offset: 11 },
  { what: 'sectors of 513 bytes', damage: (image) => image.set16(11, 513), message: /sector_size/, offset: 11 },
  { what: 'sectors of 32 KiB', damage: (image) => image.set16(11, 0x8000), message: /sector_size/, offset: 11 },
  { what: 'clusters of no sectors', damage: (image) => image.set8(13, 0), message: /sec_per_clus/, offset: 13 },
  { what: 'clusters of 3 sectors', damage: (image) => image.set8(13, 3), message: /sec_per_clus/, offset: 13 },
  { what: 'no boot sector', damage: (image) => image.set16(14, 0), message: /reserved/, offset: 14 },
  { what: 'no tables', damage: (image) => image.set8(16, 0), message: /fats/, offset: 16 },
  { what: 'a root of half a sector', damage: (image) => image.set16(17, 8), message: /dir_entries/, offset: 17 },
  { what: 'an unknown medium', damage: (image) => image.set8(21, 0x12), message: /media/, offset: 21 },
  { what: 'tables without sectors', damage: (image) => image.set32(22, 0), message: /fat_length/, offset: 22 },
  {
    what: 'tables larger than all',
    damage: (image) => image.set16(22, 0xffff),
    message: /before the first/,
    offset: 32,
  },
  { what: 'no sectors', damage: (image) => image.set32(32, 0), message: /before the first/, offset: 32 },
  {
    what: 'tables past the end of the image',
    damage: (image) => {
      image.set16(22, 0x7000);
      image.set32(32, 0xe0ff);
    },
    message: /the table ends at/,
    offset: 22,
  },
  {
    what: 'a table in use that is not there',
    bits: 32,
    damage: (image) => image.set16(40, 0x82),
    message: /table 2 of 2 is in use/,
    offset: 40,
  },
  { what: 'a root at no cluster', bits: 32, damage: (image) => image.set32(44, 0), message: /cluster 0x0/, offset: 44 },
  {
    what: 'a root past the end',
    bits: 32,
    damage: (image) => image.set32(44, 202),
    message: /cluster 0xca/,
    offset: 44,
  },
  { what: 'a root that loops', bits: 32, damage: (image) => image.link(2, 2), message: /loops/ },
];

const ROOT_ENTRY = (image: FatImage) => image.rootOffset;
const LINK_OF = (cluster: number) => (image: FatImage) => image.tableOffset + Math.floor((cluster * image.bits) / 8);

const CHAINS: readonly Hostile[] = [
  { what: 'a file at cluster 0', damage: (image) => setFile(image, 0, 1), message: /cluster 0x0/, offset: ROOT_ENTRY },
  { what: 'a file at cluster 1', damage: (image) => setFile(image, 1, 1), message: /cluster 0x1/, offset: ROOT_ENTRY },
  { what: 'a file past the end', damage: (image) => setFile(image, 0xffff, 1), message: /0xffff/, offset: ROOT_ENTRY },
  {
    what: 'a file of 4 GiB',
    damage: (image) => setFile(image, 5, 0xffffffff),
    message: /its chain ends after 1024/,
    offset: ROOT_ENTRY,
  },
  {
    what: 'a file of a free cluster',
    damage: (image) => image.link(6, 0),
    message: /free cluster/,
    offset: LINK_OF(6),
  },
  { what: 'a file that leads to 1', damage: (image) => image.link(6, 1), message: /next is 1/, offset: LINK_OF(6) },
  { what: 'a file that leads out', damage: (image) => image.link(5, 4300), message: /next is \d+/, offset: LINK_OF(5) },
  { what: 'a file that loops', damage: (image) => image.link(6, 5), message: /loops/, offset: LINK_OF(5) },
  { what: 'a file that is one cluster for ever', damage: (image) => image.link(5, 5), message: /loops/ },
  {
    what: 'a file that comes to a loop in the end',
    damage: (image) => {
      image.chain(5, 20, 21, 30, 31, 32);
      image.link(32, 21);
    },
    message: /loops/,
  },
  { what: 'a bad cluster', damage: (image) => setFile(image, 40, 1024), message: /chain ends after 512/ },
  { what: 'a folder at cluster 0', damage: (image) => setFolder(image, 0), message: /cluster 0x0/ },
  { what: 'a folder past the end', damage: (image) => setFolder(image, 0xfff0), message: /cluster 0xfff0/ },
  { what: 'a folder that is the root', bits: 32, damage: (image) => setFolder(image, 2), message: /it is the root/ },
  { what: 'a folder that loops', damage: (image) => image.link(8, 8), message: /loops/ },
  { what: 'a folder inside itself', damage: (image) => setInner(image, 8), message: /already known/ },
  { what: 'a folder with two names', damage: (image) => setInner(image, 9), message: /already known/ },
];

describe('a hostile FAT volume', () => {
  test.each([12, 16, 32] as const)('is read when it is not damaged: FAT%d', (bits) => {
    readAll(sound(bits).open());
  });

  test.each([...BOOT_SECTORS, ...CHAINS])(
    'with $what ends in a DiskError',
    ({ damage, message, bits = 12, offset }) => {
      const image = sound(bits);
      damage(image);
      const place = typeof offset === 'function' ? offset(image) : offset;
      const error = { name: 'DiskError', kind: 'corrupt', message: expect.stringMatching(message) };
      const expected = place === undefined ? error : { ...error, format: 'vfat', offset: place };
      expect(() => readAll(image.open())).toThrow(expect.objectContaining(expected));
    },
  );

  test.each([
    ['65536 clusters for 16 bits', 16, 0x11000],
    ['more clusters than its table has entries', 12, 3000],
  ] as const)('with %s has those that the table knows', (_, bits, sectors) => {
    const image = sound(bits);
    image.set32(32, sectors);
    const fileSystem = image.open();
    expect(fileSystem.warnings).toEqual([expect.stringContaining('truncated')]);
    expect(fileSystem.freeBytes).toBeLessThan(4400 * 512);
  });

  test.each([0, 1, 511, 512, 600, 1024, 2048])('cut after %d bytes ends in a DiskError', (length) => {
    const read = () => readAll(openFat(new MemorySource(sound(12).bytes.subarray(0, length))));
    expect(read).toThrow(expect.objectContaining({ name: 'DiskError', kind: 'corrupt' }));
  });

  test('with a folder that is as long as the volume is refused', () => {
    const image = new FatImage(16);
    image.set8(13, 16);
    image.chain(...Array.from({ length: 4000 }, (_, index) => index + 2));
    image.fill('root', entry({ name: 'FOLDER     ', attributes: FOLDER, cluster: 2 }));
    const found = () => image.open().root.lookup('folder');
    expect(found).toThrow(expect.objectContaining({ kind: 'corrupt' }));
  });

  test.each([0, 1, 511, 512, 4096])('is not what %d zeros are', (length) => {
    expect(fatFormat.detect(new Uint8Array(length))).toBe(false);
  });

  test.each([
    [0x36, 'JFS     '],
    [0x36, 'HPFS    '],
    [3, '-FVE-FS-'],
  ])('is not one with %i: "%s"', (offset, name) => {
    const { bytes } = sound(12);
    expect(fatFormat.detect(bytes)).toBe(true);
    bytes.set(Buffer.from(name), offset);
    expect(fatFormat.detect(bytes)).toBe(false);
  });
});

/** A file of two clusters, a bad cluster, a folder with a folder in it, and one beside it. */
function sound(bits: 12 | 16 | 32): FatImage {
  const image = new FatImage(bits);
  const folder = (name: string, cluster: number) => entry({ name: name.padEnd(11), attributes: FOLDER, cluster });
  image.fill('root', entry({ name: 'FILE       ', cluster: 5, size: 600 }), folder('FOLDER', 8), folder('OTHER', 9));
  image.fill(8, folder('.', 8), folder('..', 0), folder('INNER', 10));
  image.chain(5, 6);
  for (const cluster of [8, 9, 10]) image.chain(cluster);
  image.link(40, { 12: 0xff7, 16: 0xfff7, 32: 0x0ffffff7 }[bits]);
  return image;
}

function setFile(image: FatImage, cluster: number, size: number): void {
  image.fill('root', entry({ name: 'FILE       ', cluster, size }));
}

function setFolder(image: FatImage, cluster: number): void {
  image.fill('root', entry({ name: 'FOLDER     ', attributes: FOLDER, cluster }));
}

function setInner(image: FatImage, cluster: number): void {
  image.set16(image.offsetOf(8) + 2 * 32 + 26, cluster);
}
