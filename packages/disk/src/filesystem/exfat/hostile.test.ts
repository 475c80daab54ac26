import { describe, expect, test } from 'vitest';
import { MemorySource } from '../../source/memory-source.ts';
import { readAll } from '../testing/read-all.ts';
import { openExfat } from './open.ts';
import { CLUSTER, ExfatImage, entrySet, FOLDER, ROOT_CLUSTER, setChecksum } from './testing/exfat-image.ts';

interface Hostile {
  readonly what: string;
  readonly damage: (image: ExfatImage) => void;
  readonly message: RegExp;
  readonly kind?: 'corrupt' | 'unsupported';
  /** Where the error is said to be. */
  readonly offset?: number | ((image: ExfatImage) => number);
}

const BOOT_SECTORS: readonly Hostile[] = [
  { what: 'another name', damage: (image) => image.set8(3, 0x45 + 1), message: /not named/, offset: 3 },
  { what: 'numbers of FAT', damage: (image) => image.set8(13, 1), message: /where FAT has/, offset: 11 },
  { what: 'no signature', damage: (image) => image.set8(510, 0), message: /signature/, offset: 510 },
  { what: 'revision 2', damage: (image) => image.set8(105, 2), message: /revision/, kind: 'unsupported', offset: 104 },
  { what: 'sectors of 256 bytes', damage: (image) => image.set8(108, 8), message: /sect_size_bits/, offset: 108 },
  { what: 'sectors of 2^255 bytes', damage: (image) => image.set8(108, 255), message: /sect_size_bits/, offset: 108 },
  { what: 'clusters of 64 MiB', damage: (image) => image.set8(109, 17), message: /sect_per_clus_bits/, offset: 109 },
  { what: 'three tables', damage: (image) => image.set8(110, 3), message: /num_fats/, offset: 110 },
  { what: 'no clusters', damage: (image) => image.set32(92, 0), message: /clu_count/, offset: 92 },
  { what: '2^32 clusters', damage: (image) => image.set32(92, 0xffffffff), message: /clu_count/, offset: 92 },
  { what: 'a table that is too short', damage: (image) => image.set32(84, 7), message: /fat_length/, offset: 84 },
  { what: 'clusters before the table', damage: (image) => image.set32(88, 30), message: /clu_offset/, offset: 88 },
  { what: 'clusters past the end', damage: (image) => image.set32(88, 49), message: /clu_count/, offset: 92 },
  { what: '2^60 sectors', damage: (image) => image.set64(72, 2 ** 60), message: /2\^53|vol_length/, offset: 72 },
  { what: 'a root at cluster 1', damage: (image) => image.set32(96, 1), message: /cluster 0x1/ },
  { what: 'a root past the end', damage: (image) => image.set32(96, 5000), message: /cluster 0x1388/ },
  { what: 'a root that loops', damage: (image) => image.link(ROOT_CLUSTER, ROOT_CLUSTER), message: /loops/ },
];

const FILE_SET = (image: ExfatImage) => image.rootSlot(0);
const LINK_OF = (cluster: number) => (image: ExfatImage) => image.linkOf(cluster);

const CHAINS: readonly Hostile[] = [
  { what: 'a file at cluster 0', damage: setFile({ cluster: 0 }), message: /cluster 0x0/, offset: FILE_SET },
  { what: 'a file past the end', damage: setFile({ cluster: 2000 }), message: /cluster 0x7d0/, offset: FILE_SET },
  { what: 'a file that is too long', damage: setFile({ size: 2049 }), message: /ends after 2048/, offset: FILE_SET },
  { what: 'a file of 2^52 bytes', damage: setFile({ size: 2 ** 52, validSize: 0 }), message: /ends after/ },
  { what: 'a file of 2^60 bytes', damage: setFile({ size: 2 ** 60 }), message: /2\^53/ },
  { what: 'a row past the end', damage: setFile({ cluster: 1001, isRow: true }), message: /2 clusters from 0x3e9/ },
  { what: 'a row of 2^52 bytes', damage: setFile({ size: 2 ** 52, isRow: true }), message: /clusters from/ },
  { what: 'more written than there is', damage: setFile({ validSize: 1501 }), message: /1501 bytes of 1500/ },
  { what: 'a file of a free cluster', damage: (image) => image.link(11, 0), message: /free/, offset: LINK_OF(11) },
  { what: 'a bad cluster', damage: (image) => image.link(11, 0xfffffff7), message: /bad/, offset: LINK_OF(11) },
  {
    what: 'a file that leads out',
    damage: (image) => image.link(10, 1002),
    message: /next is 1002/,
    offset: LINK_OF(10),
  },
  { what: 'a file that loops', damage: (image) => image.link(11, 10), message: /loops/ },
  { what: 'a folder that loops', damage: (image) => image.link(20, 20), message: /loops/ },
  { what: 'a folder that is the root', damage: setFolder(ROOT_CLUSTER, CLUSTER), message: /it is the root/ },
  { what: 'a folder that is too large', damage: setFolder(20, 2 ** 29), message: /at most 268435456/ },
  { what: 'a folder past its chain', damage: setFolder(20, 5 * CLUSTER), message: /ends after 1024/ },
  {
    what: 'a folder inside itself',
    damage: (image) => image.fill(20, entrySet({ name: 'self', attributes: FOLDER, cluster: 20, size: CLUSTER })),
    message: /already known/,
  },
];

const SETS: readonly Hostile[] = [
  {
    what: 'a wrong checksum',
    damage: (image) => image.set8(FILE_SET(image) + 8, 1),
    message: /checksum/,
    offset: FILE_SET,
  },
  { what: 'a set of one entry', damage: (image) => image.set8(FILE_SET(image) + 1, 0), message: /too short/ },
  { what: 'a set of two entries', damage: (image) => image.set8(FILE_SET(image) + 1, 1), message: /too short/ },
  { what: 'a set of 256 entries', damage: (image) => image.set8(FILE_SET(image) + 1, 255), message: /expected 256/ },
  {
    what: 'a set without its name',
    damage: (image) => image.set8(FILE_SET(image) + 64, 0x41),
    message: /has 2 entries/,
  },
  {
    what: 'a set without its content',
    damage: (image) => resealed(image, (set) => set.copyWithin(32, 64, 96)),
    message: /second entry/,
  },
  {
    what: 'an unknown critical entry',
    damage: (image) => resealed(image, (set) => set.fill(0xc2, 64, 65)),
    message: /0xc2/,
  },
  {
    what: 'a name longer than it is',
    damage: (image) => resealed(image, (set) => set.fill(16, 35, 36)),
    message: /bad name/,
  },
  { what: 'an empty name', damage: (image) => resealed(image, (set) => set.fill(0, 35, 36)), message: /bad name ""/ },
  {
    what: 'a name with a slash',
    damage: (image) => resealed(image, (set) => set.fill(0x2f, 66, 67)),
    message: /bad name/,
  },
  { what: 'a name with a zero', damage: (image) => resealed(image, (set) => set.fill(0, 66, 67)), message: /bad name/ },
];

describe('a hostile exFAT volume', () => {
  test('is read when it is not damaged', () => {
    readAll(sound().open());
  });

  test.each([...BOOT_SECTORS, ...CHAINS, ...SETS])(
    'with $what ends in a DiskError',
    ({ damage, message, kind = 'corrupt', offset }) => {
      const image = sound();
      damage(image);
      const place = typeof offset === 'function' ? offset(image) : offset;
      const error = { name: 'DiskError', kind, message: expect.stringMatching(message) };
      const expected = place === undefined ? error : { ...error, format: 'exfat', offset: place };
      expect(() => readAll(image.open())).toThrow(expect.objectContaining(expected));
    },
  );

  test('with a wrong checksum of its boot region ends in a DiskError', () => {
    const bytes = sound().sealed();
    bytes[1000] = 1;
    const error = { kind: 'corrupt', format: 'exfat', offset: 11 * 512, message: expect.stringContaining('checksum') };
    expect(() => openExfat(new MemorySource(bytes))).toThrow(expect.objectContaining(error));
  });

  test('with a damaged set shows the other files by their names, and says so of names that are not found', () => {
    const image = sound();
    image.set8(FILE_SET(image) + 8, 1);
    const { root } = image.open();
    expect(root.lookup('folder')?.stat.type).toBe('directory');
    expect(() => root.lookup('file')).toThrow(expect.objectContaining({ kind: 'corrupt' }));
    expect(() => [...root.list()]).toThrow(expect.objectContaining({ kind: 'corrupt' }));
  });

  test.each([0, 1, 512, 3000, 6000, 12_288, 20_000, 27_000])('cut after %d bytes ends in a DiskError', (length) => {
    const read = () => readAll(openExfat(new MemorySource(sound().sealed().subarray(0, length))));
    expect(read).toThrow(expect.objectContaining({ name: 'DiskError', kind: 'corrupt' }));
  });
});

/** A file of two clusters, and a folder. */
function sound(): ExfatImage {
  const image = new ExfatImage();
  image.chain(10, 11);
  image.chain(20);
  return image.fill(
    ROOT_CLUSTER,
    entrySet({ name: 'file', cluster: 10, size: 1500 }),
    entrySet({ name: 'folder', attributes: FOLDER, cluster: 20, size: CLUSTER }),
  );
}

function setFile(fields: Partial<Parameters<typeof entrySet>[0]>): (image: ExfatImage) => void {
  return (image) => image.bytes.set(entrySet({ name: 'file', cluster: 10, size: 1500, ...fields }), FILE_SET(image));
}

function setFolder(cluster: number, size: number): (image: ExfatImage) => void {
  return (image) => image.bytes.set(entrySet({ name: 'dir', attributes: FOLDER, cluster, size }), FILE_SET(image));
}

/** Changes the set of the file, and makes its checksum right again. */
function resealed(image: ExfatImage, change: (set: Uint8Array) => void): void {
  const set = image.bytes.subarray(FILE_SET(image), FILE_SET(image) + 96);
  change(set);
  new DataView(set.buffer, set.byteOffset).setUint16(2, setChecksum(set), true);
}
