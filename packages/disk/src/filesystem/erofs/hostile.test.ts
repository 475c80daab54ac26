import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { extentsOf } from '../../source/extent.ts';
import { MemorySource } from '../../source/memory-source.ts';
import { mutate, seededRandom } from '../../testing/mutation.ts';
import { readAll } from '../testing/read-all.ts';
import { survives } from '../testing/survives.ts';
import { erofsFormat } from './format.ts';
import { type Inode, readInode } from './inode.ts';
import { MAGIC, NO_BLOCK, SUPERBLOCK, SUPERBLOCK_AT, SUPERBLOCK_SIZE } from './layout.ts';
import { hasErofsTools, makeErofs, openBytes } from './testing/image.ts';
import { ErofsVolume } from './volume.ts';

const MADE = {
  plain: '-E force-inode-extended',
  chunks: '--chunksize=4096 -E force-chunk-indexes',
  packed: '-zlz4',
  big: '-zlz4hc -C16384 -E ztailpacking',
  full: '-zlz4 -E legacy-compress',
} as const;

interface Hostile {
  readonly image: keyof typeof MADE;
  readonly what: string;
  /** The inode is that of the file that has all features of the image. */
  readonly damage: (image: DataView, file: Inode, root: Inode) => void;
  readonly message: RegExp;
  readonly kind?: 'corrupt' | 'unsupported';
}

const at = (field: keyof typeof SUPERBLOCK) => SUPERBLOCK_AT + SUPERBLOCK[field][0];
const headerAt = (file: Inode) => Math.ceil(file.tailAt / 8) * 8;

const HOSTILE: readonly Hostile[] = [
  { image: 'plain', what: 'another magic', damage: (image) => image.setUint32(at('magic'), 1, true), message: /magic/ },
  {
    image: 'plain',
    what: 'blocks of 2^60 bytes',
    damage: (image) => image.setUint8(at('blkszbits'), 60),
    message: /2\^60/,
  },
  {
    image: 'plain',
    what: 'features that are not known',
    damage: (image) => image.setUint32(at('feature_incompat'), 2 ** 31, true),
    message: /0x80000000/,
    kind: 'unsupported',
  },
  {
    image: 'plain',
    what: 'large blocks of folders',
    damage: (image) => image.setUint8(at('dirblkbits'), 2),
    message: /folders/,
    kind: 'unsupported',
  },
  {
    image: 'plain',
    what: 'inodes past the end',
    damage: (image) => image.setUint32(at('meta_blkaddr'), NO_BLOCK, true),
    message: /ends at/,
  },
  {
    image: 'plain',
    what: 'a root that is a file',
    damage: (image, _, root) => image.setUint16(root.at + 4, 0x81a4, true),
    message: /root is a file/,
  },
  {
    image: 'plain',
    what: 'an inode without a type',
    damage: (image, file) => image.setUint16(file.at + 4, 0, true),
    message: /mode is/,
  },
  {
    image: 'plain',
    what: 'an inode of another format',
    damage: (image, file) => image.setUint16(file.at, 0x0b, true),
    message: /format is 0xb/,
    kind: 'unsupported',
  },
  {
    image: 'plain',
    what: 'a file past the end',
    damage: (image, file) => image.setUint32(file.at + 16, 2 ** 31, true),
    message: /ends at/,
  },
  {
    image: 'plain',
    what: 'a file of 2^52 bytes',
    damage: (image, file) => image.setUint32(file.at + 12, 2 ** 20, true),
    message: /ends at/,
  },
  {
    image: 'plain',
    what: 'a file of 2^60 bytes',
    damage: (image, file) => image.setUint32(file.at + 12, 2 ** 28, true),
    message: /2\^53/,
  },
  {
    image: 'plain',
    what: 'a tail that leaves its block',
    damage: (image, _, root) => image.setUint32(root.at + 8, 4095, true),
    message: /leaves its block/,
  },
  {
    image: 'plain',
    what: 'shared attributes that do not fit',
    damage: (image, file) => image.setUint8(file.xattrs.at + 4, 255),
    message: /do not fit/,
  },
  {
    image: 'plain',
    what: 'a folder whose names begin at 5',
    damage: (image, _, root) => image.setUint16(root.tailAt + 8, 5, true),
    message: /begin at 5/,
  },
  {
    image: 'plain',
    what: 'a folder whose names begin past its end',
    damage: (image, _, root) => image.setUint16(root.tailAt + 8, 60_000, true),
    message: /begin at 60000/,
  },
  {
    image: 'plain',
    what: 'a name of no bytes',
    damage: (image, _, root) => image.setUint16(root.tailAt + 20, image.getUint16(root.tailAt + 8, true), true),
    message: /a name lies/,
  },
  {
    image: 'plain',
    what: 'a folder of 2^40 bytes',
    damage: (image, _, root) => image.setUint32(root.at + 12, 256, true),
    message: /at most/,
  },
  { image: 'plain', what: 'a folder inside itself', damage: nest, message: /already known/ },
  {
    image: 'chunks',
    what: 'chunks on another device',
    damage: (image, file) => image.setUint16(headerAt(file) + 2, 1, true),
    message: /device 1/,
    kind: 'unsupported',
  },
  {
    image: 'chunks',
    what: 'chunks of another form',
    damage: (image, file) => image.setUint32(file.at + 16, 0x80, true),
    message: /form 128/,
    kind: 'unsupported',
  },
  {
    image: 'chunks',
    what: 'a chunk past the end',
    damage: (image, file) => image.setUint32(headerAt(file) + 4, 2 ** 31, true),
    message: /read/,
  },
  {
    image: 'packed',
    what: 'another algorithm',
    damage: (image, file) => image.setUint8(headerAt(file) + 6, 1),
    message: /packed by lzma/,
    kind: 'unsupported',
  },
  {
    image: 'packed',
    what: 'a fragment',
    damage: (image, file) => image.setUint16(headerAt(file) + 4, 0x20, true),
    message: /fragments/,
    kind: 'unsupported',
  },
  {
    image: 'packed',
    what: 'packing that is not known',
    damage: (image, file) => image.setUint16(headerAt(file) + 4, 0x4000, true),
    message: /packing is/,
    kind: 'unsupported',
  },
  {
    image: 'packed',
    what: 'clusters of 2^27 bytes',
    damage: (image, file) => image.setUint8(headerAt(file) + 7, 15),
    message: /2\^27/,
  },
  {
    image: 'full',
    what: 'no beginning',
    damage: (image, file) => image.setUint16(headerAt(file) + 16, 2, true),
    message: /no beginning/,
  },
  {
    image: 'full',
    what: 'a run from behind its cluster',
    damage: (image, file) => image.setUint16(headerAt(file) + 18, 5000, true),
    message: /no beginning/,
  },
  {
    image: 'full',
    what: 'packed content past the end',
    damage: (image, file) => image.setUint32(headerAt(file) + 20, 2 ** 31, true),
    message: /ends at/,
  },
];

/** The folder becomes the root. */
function nest(image: DataView, _: Inode, root: Inode): void {
  for (let entry = root.tailAt; entry < root.tailAt + 12 * 4; entry += 12) {
    if (image.getUint8(entry + 10) === 2) image.setBigUint64(entry, BigInt(root.stat.inode), true);
  }
}

describe.skipIf(!hasErofsTools)('a hostile EROFS image', () => {
  let folder: string;
  const images = new Map<string, Uint8Array>();

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-erofs-'));
    const from = path.join(folder, 'from');
    mkdirSync(from);
    const script = `
      mkdir inner; printf short > inner/short; ln -s inner/short link
      seq 9000 > file; head -c 20000 /dev/zero >> file; seq 3000 >> file
      setfattr -n user.note -v value file; setfattr -n user.note -v value inner`;
    execFileSync('sh', ['-ec', script], { cwd: from, stdio: 'pipe' });
    for (const [name, args] of Object.entries(MADE)) {
      const bytes = readFileSync(makeErofs(path.join(folder, name), from, args));
      // without the checksum of the superblock, what is behind it is reached
      bytes.writeUInt32LE(0, at('feature_compat'));
      images.set(name, bytes);
    }
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  function copyOf(name: keyof typeof MADE) {
    const bytes = Uint8Array.from(images.get(name) ?? []);
    const number = openBytes(bytes).root.lookup('file')?.stat.inode ?? 0;
    const volume = new ErofsVolume(new MemorySource(Uint8Array.from(bytes)));
    return {
      bytes,
      view: new DataView(bytes.buffer),
      file: readInode(volume, number),
      root: readInode(volume, volume.superblock.root),
    };
  }

  test.each(Object.keys(MADE))('is read while it is not damaged (%s)', (name) => {
    readAll(openBytes(images.get(name) ?? new Uint8Array()));
  });

  test.each(HOSTILE)('with $what ends in an error that says so', ({ image, damage, message, kind = 'corrupt' }) => {
    const { bytes, view, file, root } = copyOf(image);
    damage(view, file, root);
    expect(() => readAll(openBytes(bytes))).toThrow(
      expect.objectContaining({ name: 'DiskError', kind, message: expect.stringMatching(message) }),
    );
  });

  test('with another checksum of its superblock ends in an error that says so', () => {
    const { bytes, view } = copyOf('plain');
    view.setUint32(at('feature_compat'), 1, true);
    expect(() => openBytes(bytes)).toThrow(
      expect.objectContaining({ kind: 'corrupt', message: expect.stringContaining('checksum') }),
    );
  });

  test('with a chunk that is nowhere has a hole there', () => {
    const { bytes, view, file } = copyOf('chunks');
    view.setUint32(headerAt(file) + 8 + 4, NO_BLOCK, true);
    const content = openBytes(bytes).root.lookup('file')?.open();
    if (content === undefined) throw new Error('Cannot find the file');
    expect([...extentsOf(content, 0, 16_384)]).toMatchObject([
      { kind: 'data', length: 4096 },
      { kind: 'absent', length: 4096 },
      { kind: 'data', length: 8192 },
    ]);
    expect(content.read(4096, 4096)).toEqual(new Uint8Array(4096));
  });

  test('that is cut says so', () => {
    const { bytes } = copyOf('plain');
    expect(openBytes(bytes.subarray(0, bytes.length - 4096)).warnings).toEqual([expect.stringContaining('truncated')]);
  });

  test.each([
    ['plain', 31],
    ['chunks', 32],
    ['packed', 33],
    ['big', 34],
    ['full', 35],
  ] as const)('that is mutated (%s) is read, or ends in a DiskError', (name, seed) => {
    const { bytes, file, root } = copyOf(name);
    const random = seededRandom(seed);
    const hot = [
      [SUPERBLOCK_AT, SUPERBLOCK_AT + SUPERBLOCK_SIZE],
      [root.at, root.tailAt + 120],
      [file.at, file.tailAt + 120],
      [file.at, file.tailAt + 60],
    ] as const;
    let failed = 0;
    for (let index = 0; index < 150; index++) {
      const mutated = mutate(bytes, hot, random);
      if (!survives(() => openBytes(mutated), 'short')) failed += 1;
    }
    expect(failed).toBeGreaterThan(50);
  });
});

test.each([0, SUPERBLOCK_AT + 4, SUPERBLOCK_AT + SUPERBLOCK_SIZE - 1])('%d bytes are no EROFS', (length) => {
  const head = new Uint8Array(length);
  if (length >= SUPERBLOCK_AT + 4) new DataView(head.buffer).setUint32(SUPERBLOCK_AT, MAGIC, true);
  expect(erofsFormat.detect(head)).toBe(false);
});
