import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MemorySource } from '../../source/memory-source.ts';
import { readAll } from '../testing/read-all.ts';
import { openXfs } from './open.ts';
import { Damaged } from './testing/damaged.ts';
import { hasXfsprogs, MEBIBYTE, makeXfs, xfsDb } from './testing/image.ts';
import { makePrototype } from './testing/prototype.ts';

interface Hostile {
  readonly what: string;
  readonly damage: (image: Damaged) => void;
  readonly message: RegExp;
  readonly kind?: 'corrupt' | 'unsupported';
}

const SUPERBLOCKS: readonly Hostile[] = [
  { what: 'no magic', damage: (image) => image.set32(0, 0), message: /sb_magicnum/ },
  { what: 'blocks of no size', damage: (image) => image.set32(0x04, 0), message: /sb_blocksize/ },
  { what: 'blocks of 2^60 bytes', damage: (image) => image.set8(0x78, 60), message: /sb_blocksize/ },
  { what: 'sectors of no size', damage: (image) => image.set16(0x66, 0), message: /sb_sectsize/ },
  { what: 'inodes of no size', damage: (image) => image.set16(0x68, 0), message: /sb_inodesize/ },
  { what: 'no inodes in a block', damage: (image) => image.set16(0x6a, 0), message: /sb_inopblock/ },
  { what: 'folders of 1 GiB a block', damage: (image) => image.set8(0xc0, 20), message: /sb_dirblklog/ },
  { what: 'groups without blocks', damage: (image) => image.set32(0x54, 0), message: /sb_agblocks/ },
  { what: 'groups of 2^32 blocks', damage: (image) => image.set32(0x54, 0xffffffff), message: /sb_agblocks/ },
  { what: 'block numbers of other bits', damage: (image) => image.set8(0x7c, 40), message: /sb_agblklog/ },
  { what: 'no groups', damage: (image) => image.set32(0x58, 0), message: /sb_agcount/ },
  { what: 'more blocks than groups', damage: (image) => image.set32(0x08, 7), message: /sb_agcount/ },
  { what: 'blocks beyond 2^53', damage: (image) => image.set32(0x08, 0xffffffff), message: /sb_dblocks/ },
  { what: 'a mkfs that did not end', damage: (image) => image.set8(0x7e, 1), message: /sb_inprogress/ },
  { what: 'a root that is nowhere', damage: (image) => image.set32(0x38, 0x100000), message: /Cannot read block/ },
  { what: 'a root that is a file', damage: (image) => image.set32(0x3c, image.number('/file')), message: /its root/ },
  { what: 'version 3', damage: (image) => image.set16(0x64, 0xb4a3), message: /version 3/, kind: 'unsupported' },
  { what: 'old folders', damage: (image) => image.set16(0x64, 0x9484), message: /folders/, kind: 'unsupported' },
];

const INODES: readonly Hostile[] = [
  { what: 'an inode without magic', damage: (image) => image.set16(image.inode('/file'), 0), message: /di_magic/ },
  { what: 'an inode of version 9', damage: (image) => image.set8(image.inode('/file') + 4, 9), message: /di_version/ },
  { what: 'an inode of no type', damage: (image) => image.set16(image.inode('/file') + 2, 0), message: /di_mode/ },
  { what: 'a deleted inode', damage: (image) => image.set32(image.inode('/file') + 0x10, 0), message: /deleted/ },
  {
    what: 'a fork past the inode',
    damage: (image) => image.set8(image.inode('/file') + 0x52, 200),
    message: /di_forkoff/,
  },
  {
    what: 'a file of 2^63 bytes',
    damage: (image) => image.set32(image.inode('/file') + 0x38, 1 << 31),
    message: /2\^53/,
  },
  {
    what: 'content on the realtime device',
    damage: (image) => image.set16(image.inode('/file') + 0x5a, 1),
    message: /realtime/,
    kind: 'unsupported',
  },
];

const EXTENTS: readonly Hostile[] = [
  { what: 'a map of no kind', damage: (image) => image.set8(image.inode('/file') + 5, 7), message: /format is 7/ },
  { what: 'content in the inode', damage: (image) => image.set8(image.inode('/file') + 5, 1), message: /format is 1/ },
  {
    what: 'more extents than fit',
    damage: (image) => image.set32(image.inode('/file') + 0x4c, 99),
    message: /99 entries/,
  },
  {
    what: 'an extent of no length',
    damage: (image) => image.set32(image.fork('/file') + 12, 0),
    message: /overlaps or is out of order/,
  },
  {
    what: 'extents that overlap',
    damage: (image) => {
      image.set32(image.inode('/file') + 0x4c, 2);
      image.bytes.copyWithin(image.fork('/file') + 16, image.fork('/file'), image.fork('/file') + 16);
    },
    message: /overlaps or is out of order/,
  },
  {
    what: 'an extent at the end of the world',
    damage: (image) => image.set32(image.fork('/file') + 8, 0xffffffff),
    message: /groups of \d+ blocks/,
  },
  { what: 'a tree of 200 levels', damage: (image) => makeTree(image, 200, 1, 10), message: /bb_level is 200/ },
  { what: 'a tree without entries', damage: (image) => makeTree(image, 1, 0, 10), message: /without entries/ },
  { what: 'a tree that leads to no tree', damage: (image) => makeTree(image, 1, 1, 10), message: /bb_magic/ },
];

const FOLDERS: readonly Hostile[] = [
  {
    what: 'more small entries than fit',
    damage: (image) => image.set8(image.fork('/small'), 255),
    message: /past the inode|bad name/,
  },
  {
    what: 'a small entry with a slash',
    damage: (image) => image.set8(image.name(image.fork('/small'), 'name-1'), 0x2f),
    message: /bad name/,
  },
  { what: 'a block without magic', damage: (image) => image.set32(image.block('/block'), 0), message: /magic is 0x0/ },
  {
    what: 'more hashes than fit',
    damage: (image) => image.set32(image.block('/block') + 4096 - 8, 0xffffffff),
    message: /hashes do not fit/,
  },
  {
    what: 'an entry past its block',
    damage: (image) => image.set8(image.name(image.block('/block'), 'name-20') - 1, 255),
    message: /ends in a wrong tag/,
  },
  {
    what: 'free space of no length',
    damage: (image) => image.set32(image.name(image.block('/block'), 'name-3') - 9, 0xffff0000),
    message: /ends in a wrong tag/,
  },
  {
    what: 'an inode that is nowhere',
    damage: (image) => image.set32(image.name(image.block('/block'), 'name-3') - 9, 0x7fff0000),
    message: /there is none|Cannot read/,
  },
  {
    what: 'the root inside a folder',
    damage: (image) => image.set32(image.name(image.block('/block'), 'name-3') - 5, image.number('/')),
    message: /already known/,
  },
];

const LINKS: readonly Hostile[] = [
  {
    what: 'a target of 4 GiB',
    damage: (image) => image.set32(image.inode('/link') + 0x3c, 0xffffffff),
    message: /1024/,
  },
  { what: 'a target past its inode', damage: (image) => image.set32(image.inode('/link') + 0x3c, 900), message: /900/ },
  { what: 'a target in a hole', damage: (image) => image.set32(image.inode('/long') + 0x4c, 0), message: /is a hole/ },
];

describe.skipIf(!hasXfsprogs)('an XFS filesystem', () => {
  let folder: string;
  let image: string;

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-xfs-hostile-'));
    const args = `-m crc=0 -b size=1024 -i size=256 -d agcount=1 -n ftype=0 -p ${makePrototype(folder)}`;
    image = makeXfs(path.join(folder, 'image'), { args, sizeBytes: 16 * MEBIBYTE }) as string;
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test('is read when it is not damaged', () => {
    readAll(new Damaged(image).open());
  });

  test.each([...SUPERBLOCKS, ...INODES, ...EXTENTS, ...FOLDERS, ...LINKS])(
    'with $what ends in a DiskError',
    ({ damage, message, kind = 'corrupt' }) => {
      const damaged = new Damaged(image);
      damage(damaged);
      const expected = { name: 'DiskError', kind, message: expect.stringMatching(message) };
      expect(() => readAll(damaged.open())).toThrow(expect.objectContaining(expected));
    },
  );

  test.each([
    [0x10, 'needsrepair'],
    [0x100, 'metadir'],
    [0x200, 'zoned'],
    [0x400, 'zone_gaps'],
    [0x800, '0x800'],
  ])('of version 5 with the incompatible feature %i is refused by name: %s', (bit, name) => {
    const whole = makeXfs(path.join(folder, `${bit}`), { sizeBytes: 20 * MEBIBYTE }) as string;
    xfsDb(whole, 'sb 0', `write -d features_incompat 0x${(0xb + bit).toString(16)}`);
    expect(() => new Damaged(whole)).toThrow(
      expect.objectContaining({ kind: 'unsupported', message: expect.stringContaining(name) }),
    );
  });

  test.each([0, 1, 511, 512, 1024, 60_000, 200_000])('cut after %d bytes ends in a DiskError', (length) => {
    const bytes = new Damaged(image).bytes.subarray(0, length);
    expect(() => readAll(openXfs(new MemorySource(bytes)))).toThrow(
      expect.objectContaining({ name: 'DiskError', kind: 'corrupt' }),
    );
  });

  test('that is cut says so', () => {
    const { bytes } = new Damaged(image);
    const fileSystem = openXfs(new MemorySource(bytes.subarray(0, bytes.length - 4096)));
    expect(fileSystem.warnings).toContainEqual(expect.stringContaining('truncated'));
  });
});

/** Turns the map of a file into the root of a tree. */
function makeTree(image: Damaged, level: number, count: number, block: number): void {
  image.set8(image.inode('/file') + 5, 3);
  const fork = image.fork('/file');
  image.bytes.fill(0, fork, fork + 156);
  image.set16(fork, level);
  image.set16(fork + 2, count);
  image.set32(fork + 4 + 9 * 8 + 4, block);
}
