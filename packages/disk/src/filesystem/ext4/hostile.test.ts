import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MemorySource } from '../../source/memory-source.ts';
import { readAll } from '../testing/read-all.ts';
import { writeSparse } from '../testing/sample-folder.ts';
import { openExt4 } from './open.ts';
import { Damaged } from './testing/damaged.ts';
import { hasE2fsprogs, makeExt } from './testing/image.ts';

interface Hostile {
  readonly what: string;
  readonly damage: (image: Damaged) => void;
  readonly message: RegExp;
  readonly kind?: 'corrupt' | 'unsupported';
}

const S = 0x400;
const I_BLOCK = 0x28;

const SUPERBLOCKS: readonly Hostile[] = [
  { what: 'no magic', damage: (image) => image.set16(S + 0x38, 0), message: /s_magic/ },
  { what: 'blocks of 2^40 bytes', damage: (image) => image.set(S + 0x18, 30), message: /s_log_block_size/ },
  { what: 'no blocks', damage: (image) => image.set(S + 0x04, 0), message: /s_first_data_block/ },
  { what: 'more blocks than numbers hold', damage: (image) => image.set(S + 0x150, 0xffffffff), message: /too many/ },
  { what: 'a first block behind the last', damage: (image) => image.set(S + 0x14, 1e9), message: /s_first_data_block/ },
  { what: 'groups without blocks', damage: (image) => image.set(S + 0x20, 0), message: /s_blocks_per_group/ },
  { what: 'groups of 2^32 blocks', damage: (image) => image.set(S + 0x20, 0xffffffff), message: /s_blocks_per_group/ },
  { what: 'groups without inodes', damage: (image) => image.set(S + 0x28, 0), message: /s_inodes_per_group/ },
  { what: 'groups of 2^32 inodes', damage: (image) => image.set(S + 0x28, 0xffffffff), message: /s_inodes_per_group/ },
  { what: 'no inodes', damage: (image) => image.set(S, 0), message: /s_inodes_count/ },
  { what: 'more inodes than groups hold', damage: (image) => image.set(S, 0xffffffff), message: /s_inodes_count/ },
  { what: 'inodes of 100 bytes', damage: (image) => image.set16(S + 0x58, 100), message: /s_inode_size/ },
  { what: 'inodes larger than blocks', damage: (image) => image.set16(S + 0x58, 2048), message: /s_inode_size/ },
  { what: 'inodes without size', damage: (image) => image.set16(S + 0x58, 0), message: /s_inode_size/ },
  { what: 'a first inode among the reserved', damage: (image) => image.set(S + 0x54, 2), message: /s_first_ino/ },
  { what: 'descriptors of 3 bytes', damage: (image) => image.set16(S + 0xfe, 3), message: /s_desc_size/ },
  { what: 'descriptors of 32 KiB', damage: (image) => image.set16(S + 0xfe, 0x8000), message: /s_desc_size/ },
];

const GROUPS_AND_INODES: readonly Hostile[] = [
  {
    what: 'an inode table at the end of the world',
    damage: (image) => image.set(0x808, 0xffffffff),
    message: /expected them within/,
  },
  {
    what: 'an inode table over the superblock',
    damage: (image) => image.set(0x808, 1),
    message: /blocks 1 to \d+: expected/,
  },
  { what: 'a root that is a file', damage: (image) => image.set16(image.inode('/'), 0x81a4), message: /its root/ },
  { what: 'a root that was deleted', damage: (image) => image.set16(image.inode('/') + 0x1a, 0), message: /deleted/ },
  { what: 'an inode of no type', damage: (image) => image.set16(image.inode('file'), 0), message: /i_mode/ },
  {
    what: 'an inode larger than its size',
    damage: (image) => image.set16(image.inode('file') + 0x80, 160),
    message: /i_extra_isize/,
  },
  {
    what: 'a file of 2^63 bytes',
    damage: (image) => image.set(image.inode('file') + 0x6c, 0x80000000),
    message: /2\^53/,
  },
  {
    what: 'a file larger than a file can be',
    damage: (image) => image.set(image.inode('file') + 0x6c, 0x1000),
    message: /more than a file can have/,
  },
];

const FOLDERS: readonly Hostile[] = [
  {
    what: 'an entry without length',
    damage: (image) => image.set16(image.entry('folder', 'in-folder') + 4, 0),
    message: /rec_len is 0/,
  },
  {
    what: 'an entry of 14 bytes',
    damage: (image) => image.set16(image.entry('folder', 'in-folder') + 4, 14),
    message: /rec_len is 14/,
  },
  {
    what: 'an entry past its block',
    damage: (image) => image.set16(image.entry('folder', 'in-folder') + 4, 0xfffc),
    message: /rec_len/,
  },
  {
    what: 'a name longer than its entry',
    damage: (image) => image.set16(image.entry('folder', '.\0') + 6, 0x20c),
    message: /rec_len is 12/,
  },
  {
    what: 'an empty name',
    damage: (image) => image.set16(image.entry('folder', 'in-folder') + 6, 0x100),
    message: /bad name ""/,
  },
  {
    what: 'a name with a slash',
    damage: (image) => image.set(image.entry('folder', 'in-folder') + 8, 0x2f2f2f2f),
    message: /bad name "\/\/\/\//,
  },
  {
    what: 'a name with a zero byte',
    damage: (image) => image.set(image.entry('folder', 'in-folder') + 8, 0),
    message: /bad name/,
  },
  {
    what: 'an inode that is not there',
    damage: (image) => image.set(image.entry('folder', 'in-folder'), 0x7fffffff),
    message: /expected 11 to/,
  },
  {
    what: 'a reserved inode',
    damage: (image) => image.set(image.entry('folder', 'in-folder'), 7),
    message: /expected 11 to/,
  },
  {
    what: 'an inode that is not used',
    damage: (image) => image.set(image.entry('folder', 'in-folder'), 100),
    message: /i_mode/,
  },
  {
    what: 'the root inside a folder',
    damage: (image) => image.set(image.entry('folder', 'in-folder'), 2),
    message: /already known/,
  },
  {
    what: 'a folder inside itself',
    damage: (image) => image.set(image.entry('inner', 'innermost'), image.number('inner')),
    message: /already known/,
  },
  { what: 'a folder with a hole', damage: (image) => image.set(image.inode('folder') + 4, 4096), message: /is a hole/ },
  {
    what: 'a folder of 4 GiB',
    damage: (image) => image.set(image.inode('folder') + 4, 0xfffffc00),
    message: /at most 2\^30/,
    kind: 'unsupported',
  },
];

const EXTENTS: readonly Hostile[] = [
  {
    what: 'an extent root without magic',
    damage: (image) => image.set16(image.inode('file') + I_BLOCK, 0),
    message: /eh_magic/,
  },
  {
    what: 'more extents than fit',
    damage: (image) => image.set16(image.inode('file') + I_BLOCK + 2, 9),
    message: /9 entries/,
  },
  {
    what: 'room for more extents than there is',
    damage: (image) => image.set16(image.inode('file') + I_BLOCK + 4, 9),
    message: /room for 4/,
  },
  {
    what: 'a tree of 9 levels',
    damage: (image) => image.set16(image.inode('file') + I_BLOCK + 6, 9),
    message: /eh_depth is 9/,
  },
  {
    what: 'an index without entries',
    damage: (image) => image.set16(image.inode('tree') + I_BLOCK + 2, 0),
    message: /without entries/,
  },
  {
    what: 'an extent without length',
    damage: (image) => image.set16(image.inode('file') + I_BLOCK + 16, 0),
    message: /out of order/,
  },
  {
    what: 'an extent at the end of the world',
    damage: (image) => image.set(image.inode('file') + I_BLOCK + 20, 0xffffffff),
    message: /expected them within/,
  },
  {
    what: 'an extent over the superblock',
    damage: (image) => image.set(image.inode('file') + I_BLOCK + 20, 1),
    message: /blocks 1 to \d+: expected/,
  },
  { what: 'extents that overlap', damage: (image) => image.set(leaf(image) + 24, 0), message: /overlaps/ },
  {
    what: 'a leaf that begins before its range',
    damage: (image) => image.set(image.inode('tree') + I_BLOCK + 12, 1),
    message: /out of order/,
  },
  { what: 'a node that leads to itself', damage: (image) => loopExtents(image), message: /eh_depth is 1, expected 0/ },
  {
    what: 'a leaf that says it is an index',
    damage: (image) => image.set16(leaf(image) + 6, 1),
    message: /eh_depth is 1, expected 0/,
  },
];

const LINKS_AND_ATTRIBUTES: readonly Hostile[] = [
  {
    what: 'a target of 4 GiB',
    damage: (image) => image.set(image.inode('link') + 4, 0xffffffff),
    message: /at most 4096/,
  },
  {
    what: 'a target past its block',
    damage: (image) => image.set(image.inode('link') + I_BLOCK + 20, 1e9),
    message: /expected them within/,
  },
  {
    what: 'attributes in a block of something else',
    damage: (image) => image.set(image.inode('file') + 0x68, 100),
    message: /h_magic/,
  },
  {
    what: 'attributes at the end of the world',
    damage: (image) => image.set(image.inode('file') + 0x68, 0xfffffff0),
    message: /expected them within/,
  },
  {
    what: 'an attribute name past its area',
    damage: (image) => image.set(attribute(image), 0x000001ff),
    message: /past its area/,
  },
  {
    what: 'an attribute value past its area',
    damage: (image) => image.set(attribute(image) + 8, 0xffffffff),
    message: /past its area/,
  },
  {
    what: 'an attribute value in a file',
    damage: (image) => image.set(attribute(image) + 4, 12),
    message: /keeps an attribute/,
  },
];

const INDIRECT: readonly Hostile[] = [
  {
    what: 'a direct pointer at the end of the world',
    damage: (image) => image.set(image.inode('tree') + I_BLOCK, 0xffffffff),
    message: /expected them within/,
  },
  {
    what: 'an indirect block at the end of the world',
    damage: (image) => image.set(image.inode('tree') + I_BLOCK + 48, 0x7fffffff),
    message: /expected them within/,
  },
  {
    what: 'pointers of text',
    damage: (image) => image.set(image.inode('tree') + I_BLOCK + 48, image.block('file', 0) / 1024),
    message: /expected them within/,
  },
  {
    what: 'a file beyond its pointers',
    damage: (image) => image.set(image.inode('file') + 0x6c, 0x100),
    message: /beyond what its pointers reach/,
  },
  { what: 'a folder with a block twice', damage: (image) => repeatBlock(image), message: /comes twice/ },
];

describe.skipIf(!hasE2fsprogs)('a hostile ext filesystem', () => {
  let folder: string;
  let ext4: string;
  let ext2: string;
  let inline: string;

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-hostile-'));
    const from = path.join(folder, 'from');
    mkdirSync(path.join(from, 'folder'), { recursive: true });
    mkdirSync(path.join(from, 'inner', 'innermost'), { recursive: true });
    writeFileSync(path.join(from, 'file'), 'text '.repeat(1000));
    writeFileSync(path.join(from, 'folder', 'in-folder'), 'text');
    writeFileSync(path.join(from, 'inline'), 'i'.repeat(100));
    symlinkSync('t'.repeat(100), path.join(from, 'link'));
    writeSparse(path.join(from, 'tree'), 400_000, [0, 20_000, 100_000, 200_000, 300_000, 390_000]);
    const commands = ['ea_set file user.note of_a_file'];
    ext4 = makeExt(path.join(folder, 'ext4'), {
      args: '-t ext4 -b 1024 -O ^metadata_csum',
      from,
      sizeBytes: 2 ** 21,
      commands,
    });
    ext2 = makeExt(path.join(folder, 'ext2'), { args: '-t ext2 -b 1024', from, sizeBytes: 2 ** 21 });
    inline = makeExt(path.join(folder, 'inline'), {
      args: '-t ext4 -b 1024 -O inline_data,^metadata_csum',
      from,
      sizeBytes: 2 ** 21,
    });
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test('is read when it is not damaged', () => {
    for (const image of [ext4, ext2, inline]) readAll(new Damaged(image).open());
  });

  const ON_EXT4 = [...SUPERBLOCKS, ...GROUPS_AND_INODES, ...FOLDERS, ...EXTENTS, ...LINKS_AND_ATTRIBUTES];

  test.each(ON_EXT4)('with $what ends in a DiskError', (hostile) => {
    expectError(ext4, hostile);
  });

  test.each(INDIRECT)('of type ext2 with $what ends in a DiskError', (hostile) => {
    expectError(ext2, hostile);
  });

  test.each<Hostile>([
    {
      what: 'more content than its inode holds',
      damage: (image) => image.set(image.inode('folder') + 4, 500),
      message: /there are \d+ bytes, expected 500/,
    },
    {
      what: 'an entry without length',
      damage: (image) => image.set16(image.inode('folder') + I_BLOCK + 8, 0),
      message: /rec_len is 0/,
    },
  ])('with an inline folder with $what ends in a DiskError', (hostile) => {
    expectError(inline, hostile);
  });

  test.each([0, 1, 1024, 1500, 2047, 2048, 3000, 10_000, 60_000, 300_000])(
    'cut after %d bytes ends in a DiskError',
    (length) => {
      const bytes = new Damaged(ext4).bytes.subarray(0, length);
      const read = () => readAll(openExt4(new MemorySource(bytes)));
      expect(read).toThrow(expect.objectContaining({ name: 'DiskError', kind: 'corrupt', format: 'ext4' }));
    },
  );

  test('that is cut shows what is left, and says that it is cut', () => {
    const image = new Damaged(ext4);
    const end = image.block('file', 4) + 1024;
    const fileSystem = openExt4(new MemorySource(image.bytes.subarray(0, end)));
    expect(fileSystem.warnings).toEqual([expect.stringContaining('truncated')]);
    expect(fileSystem.root.lookup('file')?.open().read(0, 5000)).toHaveLength(5000);
  });
});

function expectError(image: string, { damage, message, kind = 'corrupt' }: Hostile): void {
  const damaged = new Damaged(image);
  damage(damaged);
  expect(() => readAll(damaged.open())).toThrow(
    expect.objectContaining({ name: 'DiskError', kind, message: expect.stringMatching(message) }),
  );
}

/** The block that the index in the inode of a file with more than four extents leads to. */
function leaf(image: Damaged): number {
  return image.get(image.inode('tree') + I_BLOCK + 16) * 1024;
}

function loopExtents(image: Damaged): void {
  image.set16(image.inode('tree') + I_BLOCK + 6, 2);
  image.set16(leaf(image) + 2, 1);
  image.set16(leaf(image) + 6, 1);
  image.set(leaf(image) + 12, 0, leaf(image) / 1024, 0);
}

/** The first attribute in an inode of 256 bytes, of which 160 are fields. */
function attribute(image: Damaged): number {
  return image.inode('file') + 164;
}

function repeatBlock(image: Damaged): void {
  image.set(image.inode('folder') + 4, 2048);
  image.set(image.inode('folder') + I_BLOCK + 4, image.get(image.inode('folder') + I_BLOCK));
}
