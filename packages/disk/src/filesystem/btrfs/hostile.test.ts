import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { MemorySource } from '../../source/memory-source.ts';
import { readAll } from '../testing/read-all.ts';
import { INODE, ITEM, TREE } from './layout.ts';
import { openBtrfs } from './open.ts';
import { Damaged } from './testing/damaged.ts';
import { hasBtrfsProgs } from './testing/image.ts';
import { makeSmallImage } from './testing/small-image.ts';

interface Hostile {
  readonly what: string;
  readonly damage: (image: Damaged) => void;
  readonly message: RegExp;
  readonly kind?: 'corrupt' | 'unsupported' | 'encrypted';
}

const S = 0x10000;
const CHUNK = S + 0x32b + 17;

const SUPERBLOCKS: readonly Hostile[] = [
  { what: 'no magic', damage: (image) => image.set32(S + 0x40, 0), message: /magic/ },
  { what: 'another place', damage: (image) => image.set64(S + 0x30, 4096), message: /bytenr/ },
  { what: 'sectors of no bytes', damage: (image) => image.set32(S + 0x90, 0), message: /sectorsize/ },
  { what: 'sectors of 3000 bytes', damage: (image) => image.set32(S + 0x90, 3000), message: /sectorsize/ },
  { what: 'blocks of 2^31 bytes', damage: (image) => image.set32(S + 0x94, 0x80000000), message: /nodesize/ },
  { what: 'blocks smaller than sectors', damage: (image) => image.set32(S + 0x94, 512), message: /nodesize/ },
  { what: 'no size', damage: (image) => image.set64(S + 0x70, 0), message: /total_bytes/ },
  { what: 'no devices', damage: (image) => image.set64(S + 0x88, 0), message: /num_devices/ },
  { what: 'a tree of 200 levels', damage: (image) => image.set8(S + 0xc6, 200), message: /root_level/ },
  { what: 'a crooked root', damage: (image) => image.set64(S + 0x50, 12345), message: /bad root/ },
  { what: 'chunks behind its end', damage: (image) => image.set32(S + 0xa0, 5000), message: /sys_chunk_array_size/ },
  { what: 'half a chunk', damage: (image) => image.set32(S + 0xa0, 50), message: /structure ends/ },
  {
    what: 'a checksum nobody knows',
    damage: (image) => image.set16(S + 0xc4, 9),
    message: /checksum type 9/,
    kind: 'unsupported',
  },
  {
    what: 'a feature nobody knows',
    damage: (image) => image.set64(S + 0xbc, 2 ** 40),
    message: /feature 0x10000000000/,
    kind: 'unsupported',
  },
  {
    what: 'a feature that is not read',
    damage: (image) => image.set64(S + 0xbc, 1 << 13),
    message: /extent_tree_v2/,
    kind: 'unsupported',
  },
];

const CHUNKS: readonly Hostile[] = [
  { what: 'no length', damage: (image) => image.set64(CHUNK, 0), message: /bad length/ },
  { what: 'a length of 2^63', damage: (image) => image.set32(CHUNK + 4, 0x80000000), message: /2\^53/ },
  { what: 'no stripes', damage: (image) => image.set16(CHUNK + 44, 0), message: /0 stripes/ },
  { what: '60,000 stripes', damage: (image) => image.set16(CHUNK + 44, 60_000), message: /60000 stripes/ },
  { what: 'stripes of one byte', damage: (image) => image.set64(CHUNK + 16, 1), message: /stripe_len/ },
  { what: 'two profiles at once', damage: (image) => image.set64(CHUNK + 24, 0x1a), message: /bad type/ },
  { what: 'no use', damage: (image) => image.set64(CHUNK + 24, 0), message: /bad type/ },
  { what: 'a mirror of one', damage: (image) => image.set64(CHUNK + 24, 0x12), message: /1 stripes in profile raid1/ },
  {
    what: 'a place behind the device',
    damage: (image) => image.set64(CHUNK + 48 + 8, 2 ** 50),
    message: /Cannot read \d+ bytes/,
  },
  {
    what: 'a device that is not there',
    damage: (image) => image.set64(CHUNK + 48, 77),
    message: /device 77 of 1 is missing/,
    kind: 'unsupported',
  },
];

const leaf = (image: Damaged) => image.block(TREE.FS);

const BLOCKS: readonly Hostile[] = [
  { what: 'more items than fit', damage: (image) => image.set32(leaf(image) + 0x60, 1e6), message: /room for/ },
  { what: 'a level that lies', damage: (image) => image.set8(leaf(image) + 0x64, 1), message: /level|out of order/ },
  { what: 'another address', damage: (image) => image.set64(leaf(image) + 0x30, 4096), message: /bytenr/ },
  { what: 'another generation', damage: (image) => image.set64(leaf(image) + 0x50, 99), message: /generation is 99/ },
  {
    what: 'an item behind its end',
    damage: (image) => image.set32(leaf(image) + 101 + 17, 5000),
    message: /an item lies at/,
  },
  {
    what: 'an item over the items',
    damage: (image) => image.set32(leaf(image) + 101 + 17, 0),
    message: /an item lies at/,
  },
  {
    what: 'items out of order',
    damage: (image) => image.set64(leaf(image) + 101, 2 ** 40),
    message: /out of order/,
  },
];

const FILES: readonly Hostile[] = [
  {
    what: 'an inode of no type',
    damage: (image) => image.set32(image.item(leaf(image), ITEM.INODE, 1).content + INODE.mode[0], 0),
    message: /bad mode/,
  },
  {
    what: 'a root that is a file',
    damage: (image) => image.set32(image.item(leaf(image), ITEM.INODE).content + INODE.mode[0], 0x81a4),
    message: /its root is a file/,
  },
  {
    what: 'a name longer than its item',
    damage: (image) => image.set16(image.item(leaf(image), ITEM.DIR_INDEX).content + 27, 0xffff),
    message: /reaches past its item/,
  },
  {
    what: 'a name with a slash',
    damage: (image) => image.set8(image.item(leaf(image), ITEM.DIR_INDEX).content + 30, 0x2f),
    message: /bad name/,
  },
  {
    what: 'a folder inside itself',
    damage: (image) => {
      for (let which = 0; which < 4; which++) image.set64(image.item(leaf(image), ITEM.DIR_INDEX, which).content, 256);
    },
    message: /already known/,
  },
  {
    what: 'an inode that is not there',
    damage: (image) => image.set64(image.item(leaf(image), ITEM.DIR_INDEX).content, 9999),
    message: /inode 9999 of subvolume 5: there is none/,
  },
  {
    what: 'an unknown compression',
    damage: (image) => image.set8(image.item(leaf(image), ITEM.EXTENT_DATA).content + 16, 9),
    message: /compression 9/,
    kind: 'unsupported',
  },
  {
    what: 'an encrypted extent',
    damage: (image) => image.set8(image.item(leaf(image), ITEM.EXTENT_DATA).content + 17, 1),
    message: /encrypted/,
    kind: 'encrypted',
  },
  {
    what: 'a bomb',
    damage: (image) => {
      const { content } = image.item(leaf(image), ITEM.EXTENT_DATA);
      image.set8(content + 16, 1);
      image.set64(content + 8, 2 ** 40);
    },
    message: /expected at most 131072|1099511627776 bytes/,
  },
  {
    what: 'noise for a compressed stream',
    damage: (image) => image.set8(image.item(leaf(image), ITEM.EXTENT_DATA).content + 16, 3),
    message: /zstd says/,
  },
  {
    what: 'an extent of an unknown kind',
    damage: (image) => image.set8(image.item(leaf(image), ITEM.EXTENT_DATA).content + 20, 7),
    message: /unknown type 7/,
  },
];

describe.skipIf(!hasBtrfsProgs)('a hostile btrfs filesystem ends in a DiskError', () => {
  let intact: Uint8Array;

  beforeAll(() => {
    const folder = mkdtempSync(path.join(tmpdir(), 'guestkit-hostile-'));
    intact = makeSmallImage(folder);
    rmSync(folder, { recursive: true });
  });

  test('while the one that is not damaged is read', () => {
    expect(() => readAll(new Damaged(intact).seal().open())).not.toThrow();
  });

  test.each([...SUPERBLOCKS, ...CHUNKS, ...BLOCKS, ...FILES])('$what', ({ damage, message, kind = 'corrupt' }) => {
    const image = new Damaged(intact);
    damage(image);
    image.seal();
    const expected = expect.objectContaining({ name: 'DiskError', kind, message: expect.stringMatching(message) });
    expect(() => readAll(image.open())).toThrow(expected);
  });

  test('content that is not what its checksum says', () => {
    const image = new Damaged(intact);
    image.set8(Buffer.from(intact).indexOf('stored stored'), 0);
    expect(() => readAll(image.open())).toThrow(/crc32c checksum is wrong/);
  });

  test.each([0, 1, 0x10000, 0x10040, 0x10fff, 0x11000, 0x200000])('the first %i bytes', (length) => {
    expect(() => readAll(openBtrfs(new MemorySource(intact.subarray(0, length))))).toThrow(
      expect.objectContaining({ name: 'DiskError' }),
    );
  });
});
