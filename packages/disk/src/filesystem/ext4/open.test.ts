import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CachedSource } from '../../source/cached-source.ts';
import { FileSource } from '../../source/file-source.ts';
import { MemorySource } from '../../source/memory-source.ts';
import { readAll } from '../testing/read-all.ts';
import { createFileTree } from '../tree.ts';
import { ext4Format } from './format.ts';
import { Damaged } from './testing/damaged.ts';
import { type ExtOptions, hasE2fsprogs, makeExt, openImage } from './testing/image.ts';

const S_FEATURE_INCOMPAT = 0x460;
const S_FEATURE_RO_COMPAT = 0x464;

describe.skipIf(!hasE2fsprogs)('openExt4', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-ext-open-'));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  const make = (options: ExtOptions) =>
    makeExt(path.join(folder, `${Math.random()}.img`), { sizeBytes: 4 * 1024 * 1024, ...options });

  test.each([
    '-t ext2',
    '-t ext3',
    '-t ext4',
    '-t ext2 -O meta_bg,^resize_inode',
    '-t ext2 -O extent',
    '-t ext3 -O huge_file',
  ])('says what blkid says of mke2fs %s', (args) => {
    const image = make({ args: `${args} -L label-16-letters -U 12345678-90ab-cdef-1234-567890abcdef` });
    const probe = execFileSync('blkid', ['-p', '-o', 'export', image], { encoding: 'utf8' });
    const { type, label, uuid } = openImage(image);
    expect(probe).toContain(`TYPE=${type}\n`);
    expect(probe).toContain(`LABEL=${label}\n`);
    expect(probe).toContain(`UUID=${uuid}\n`);
    expect(ext4Format.detect(readFileSync(image))).toBe(true);
  });

  test('says the size, and how much of it is free', () => {
    const image = make({ args: '-t ext4 -b 1024' });
    const free = /Free blocks:\s+(\d+)/.exec(
      execFileSync('dumpe2fs', ['-h', image], { encoding: 'utf8', stdio: 'pipe' }),
    );
    const { sizeBytes, freeBytes, label, warnings } = openImage(image);
    expect({ sizeBytes, freeBytes }).toEqual({ sizeBytes: 4 * 1024 * 1024, freeBytes: Number(free?.[1]) * 1024 });
    expect({ label, warnings }).toEqual({ label: undefined, warnings: [] });
  });

  test.each([
    ['feature needs_recovery', 'journal is empty'],
    ['feature needs_recovery ^has_journal', 'journal not replayed'],
    ['ssv state 0', 'not unmounted cleanly'],
    ['ssv state 2', 'errors'],
    ['ssv error_count 7', '7 errors recorded'],
    ['ssv last_orphan 12', 'still in use'],
  ])('after debugfs "%s" warns: %s', (command, warning) => {
    const image = make({ args: '-t ext4', commands: [command] });
    expect(openImage(image).warnings).toContainEqual(expect.stringContaining(warning));
  });

  test.each([
    [0x1, 'compression'],
    [0x8, 'journal_dev'],
    [0x1000, 'dirdata'],
    [0x20, '0x20'],
    [0x40000, '0x40000'],
    [0x80000000, '0x80000000'],
  ])('refuses the incompatible feature %i by name: %s', (bit, name) => {
    const image = new Damaged(make({ args: '-t ext2' }));
    image.set(S_FEATURE_INCOMPAT, image.get(S_FEATURE_INCOMPAT) + bit);
    const place = { kind: 'unsupported', format: 'ext4', offset: S_FEATURE_INCOMPAT };
    expect(() => image.open()).toThrow(expect.objectContaining({ ...place, message: expect.stringContaining(name) }));
  });

  test('reads past features that only writers must know', () => {
    const image = new Damaged(make({ args: '-t ext2' }));
    image.set(S_FEATURE_RO_COMPAT, image.get(S_FEATURE_RO_COMPAT) + 0x80000000);
    readAll(image.open());
  });

  test('refuses a device that holds only a journal', () => {
    const image = make({ args: '-O journal_dev -b 1024' });
    expect(() => openImage(image)).toThrow(
      expect.objectContaining({ kind: 'unsupported', message: expect.stringContaining('journal_dev') }),
    );
  });

  test.each([0, 100, 1024, 2047, 2048])('does not take %d zeros for a filesystem', (length) => {
    expect(ext4Format.detect(new Uint8Array(length))).toBe(false);
    expect(() => ext4Format.open(new MemorySource(new Uint8Array(length)))).toThrow(
      expect.objectContaining({ name: 'DiskError', kind: 'corrupt' }),
    );
  });

  describe('with checksums', () => {
    let image: string;

    beforeAll(() => {
      const commands = ['mkdir folder', 'write /etc/passwd passwd', 'ea_set passwd user.block value'];
      image = make({ args: '-t ext4 -b 1024 -I 128', commands: [...commands, ...manyExtents()] });
    });

    test('reads what is intact', () => {
      readAll(openImage(image));
    });

    test.each<[what: string, place: (image: Damaged) => number]>([
      ['superblock', () => 0x400 + 0x78],
      ['descriptor of group 0', () => 0x800 + 0x0c],
      ['inode 2', (intact) => intact.inode('/') + 0x0c],
      ['folder in inode', (intact) => intact.block('folder', 0) + 100],
      ['folder in inode', (intact) => intact.block('folder', 0) + 1020],
      ['folder in inode', (intact) => intact.block('folder', 0) + 1015],
      ['extents of inode', (intact) => intact.get(intact.inode('holes') + 0x38) * 1024 + 1023],
      ['attributes of inode', (intact) => intact.get(intact.inode('passwd') + 0x68) * 1024 + 1023],
    ])('finds a damaged %s', (what, placeIn) => {
      const damaged = new Damaged(image);
      const place = placeIn(damaged);
      damaged.bytes[place] = (damaged.bytes[place] ?? 0) ^ 0x10;
      const offset = expect.toSatisfy((value) => Math.abs(value - place) < 1024);
      const message = expect.stringMatching(new RegExp(`Cannot read ${what}.*checksum`, 'i'));
      expect(() => readAll(damaged.open())).toThrow(expect.objectContaining({ kind: 'corrupt', message, offset }));
    });

    test('leaves alone what is not read', () => {
      const damaged = new Damaged(image);
      damaged.bytes.fill(0xaa, damaged.inode('folder'), damaged.inode('folder') + 128);
      expect(damaged.open().root.lookup('passwd')?.open().read(0, 4)).toHaveLength(4);
      expect(() => damaged.open().root.lookup('folder')).toThrow(expect.objectContaining({ kind: 'corrupt' }));
    });
  });

  test('finds a damaged descriptor under gdt_csum', () => {
    const image = new Damaged(make({ args: '-t ext4 -b 1024 -O ^metadata_csum,uninit_bg' }));
    image.set16(0x800 + 0x0c, 12345);
    expect(() => image.open()).toThrow(expect.objectContaining({ kind: 'corrupt', offset: 0x81e }));
  });

  test('refuses an unknown kind of checksum', () => {
    const image = new Damaged(make({ args: '-t ext4' }));
    image.bytes[0x400 + 0x175] = 2;
    expect(() => image.open()).toThrow(expect.objectContaining({ kind: 'unsupported' }));
  });

  test('reports what is encrypted, and shows the rest', () => {
    const commands = ['mkdir secret', 'sif secret flags 0x80800', 'write /etc/passwd file', 'sif file flags 0x80800'];
    const tree = createFileTree(openImage(make({ args: '-t ext4 -O encrypt', commands })));
    expect(() => tree.list('/secret')).toThrow(expect.objectContaining({ kind: 'encrypted', format: 'ext4' }));
    expect(() => tree.open('/file')).toThrow(expect.objectContaining({ kind: 'encrypted' }));
    expect(tree.stat('/file').sizeBytes).toBeGreaterThan(0);
    const unreadable: string[] = [];
    const paths = [...tree.walk('/', { onUnreadable: (place, { kind }) => unreadable.push(`${kind} ${place}`) })];
    expect(unreadable).toEqual(['encrypted /secret']);
    expect(paths.map((entry) => entry.path)).toEqual(['/', '/file', '/lost+found', '/secret']);
  });

  test('asks for the bytes it needs, however large the disk', () => {
    const image = make({ args: '-t ext4 -O ^has_journal', sizeBytes: 2 ** 40 });
    using file = FileSource.open(image);
    const source = new CachedSource(file, { blockBytes: 4096 });
    expect(createFileTree(ext4Format.open(source)).names('/')).toEqual(['lost+found']);
    expect(source.stats.bytes).toBeLessThan(20_000);
  });
});

/** Five extents with holes between them: one more than fits into an inode. */
function manyExtents(): string[] {
  const blocks = [0, 2, 4, 6, 8];
  return [
    'write /dev/null holes',
    ...blocks.map((block) => `fallocate holes ${block} ${block}`),
    'sif holes size 9000',
  ];
}
