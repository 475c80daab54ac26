import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mutate, seededRandom } from '../../testing/mutation.ts';
import { readAll } from '../testing/read-all.ts';
import { survives } from '../testing/survives.ts';
import { squashfsFormat } from './format.ts';
import { MAGIC, SUPERBLOCK, SUPERBLOCK_SIZE } from './layout.ts';
import { hasSquashfsTools, makeSmallSquashfs, openBytes } from './testing/image.ts';

interface Hostile {
  readonly what: string;
  readonly damage: (image: DataView) => void;
  readonly message: RegExp;
  readonly kind?: 'corrupt' | 'unsupported';
}

const at = (field: keyof typeof SUPERBLOCK) => SUPERBLOCK[field][0];
const inodeTable = (image: DataView) => Number(image.getBigUint64(at('inode_table_start'), true));
const folderTable = (image: DataView) => Number(image.getBigUint64(at('directory_table_start'), true));
/** Metadata is not packed: the first inode stands behind the length of its block. */
const firstInode = (image: DataView) => inodeTable(image) + 2;
const rootInode = (image: DataView) =>
  firstInode(image) + (Number(image.getBigUint64(at('root_inode'), true)) & 0xffff);

const HOSTILE: readonly Hostile[] = [
  {
    what: 'version 3',
    damage: (image) => image.setUint16(at('s_major'), 3, true),
    message: /version is 3/,
    kind: 'unsupported',
  },
  {
    what: 'blocks of 2 GiB',
    damage: (image) => image.setUint32(at('block_size'), 2 ** 31, true),
    message: /block size/,
  },
  {
    what: 'blocks of another size than they say',
    damage: (image) => image.setUint16(at('block_log'), 13, true),
    message: /block size/,
  },
  {
    what: 'compression 9',
    damage: (image) => image.setUint16(at('compression'), 9, true),
    message: /kind 9/,
    kind: 'unsupported',
  },
  {
    what: 'a root past the end',
    damage: (image) => image.setBigUint64(at('root_inode'), 1n << 40n, true),
    message: /ends at/,
  },
  {
    what: 'a root past its block',
    damage: (image) => image.setBigUint64(at('root_inode'), 0xffffn, true),
    message: /its block has/,
  },
  {
    what: 'a root that is a file',
    damage: (image) => image.setUint16(rootInode(image), 2, true),
    message: /root is a file/,
  },
  {
    what: 'an inode of type 99',
    damage: (image) => image.setUint16(rootInode(image), 99, true),
    message: /type is 99/,
  },
  {
    what: 'a user that is not there',
    damage: (image) => image.setUint16(rootInode(image) + 4, 500, true),
    message: /user 500/,
  },
  {
    what: 'an empty metadata block',
    damage: (image) => image.setUint16(inodeTable(image), 0x8000, true),
    message: /0 bytes/,
  },
  {
    what: 'inodes at 2^60',
    damage: (image) => image.setBigUint64(at('inode_table_start'), 1n << 60n, true),
    message: /2\^53/,
  },
  {
    what: 'a header of many entries',
    damage: (image) => image.setUint32(folderTable(image) + 2, 5000, true),
    message: /5001 entries/,
  },
  {
    what: 'a name with a slash',
    damage: (image) => image.setUint8(folderTable(image) + 2 + 12 + 8, 0x2f),
    message: /bad name/,
  },
];

describe.skipIf(!hasSquashfsTools)('a hostile squashfs image', () => {
  let folder: string;
  let plain: Uint8Array;
  let packed: Uint8Array;

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-squashfs-'));
    plain = readFileSync(makeSmallSquashfs(folder, '-noI -noX -noId -noD -noF -b 4096'));
    packed = readFileSync(makeSmallSquashfs(folder, '-comp xz -b 4096'));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test('is read while it is not damaged', () => {
    readAll(openBytes(plain));
    readAll(openBytes(packed));
  });

  test.each(HOSTILE)('with $what ends in an error that says so', ({ damage, message, kind = 'corrupt' }) => {
    const bytes = Uint8Array.from(plain);
    damage(new DataView(bytes.buffer));
    expect(() => readAll(openBytes(bytes))).toThrow(
      expect.objectContaining({ name: 'DiskError', kind, format: 'squashfs', message: expect.stringMatching(message) }),
    );
  });

  test('that is cut says so, and is read as far as it goes', () => {
    expect(openBytes(plain).warnings).toEqual([]);
    const end = new DataView(plain.buffer, plain.byteOffset).getBigUint64(at('bytes_used'), true);
    expect(openBytes(plain.subarray(0, Number(end) - 1)).warnings).toEqual([expect.stringContaining('truncated')]);
  });

  test.each([
    ['plain', 11],
    ['packed', 12],
  ] as const)('that is mutated (%s) is read, or ends in a DiskError', (which, seed) => {
    const bytes = which === 'plain' ? plain : packed;
    const random = seededRandom(seed);
    const metadata = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(at('inode_table_start'), true));
    let failed = 0;
    for (let index = 0; index < 400; index++) {
      const mutated = mutate(
        bytes,
        [
          [0, SUPERBLOCK_SIZE],
          [metadata, bytes.length],
        ],
        random,
      );
      if (!survives(() => openBytes(mutated), 'short')) failed += 1;
    }
    expect(failed).toBeGreaterThan(80);
  });
});

test.each([0, 4, SUPERBLOCK_SIZE - 1])('%d bytes are no squashfs', (length) => {
  const head = new Uint8Array(length);
  if (length >= 4) new DataView(head.buffer).setUint32(0, MAGIC, true);
  expect(squashfsFormat.detect(head)).toBe(false);
});
