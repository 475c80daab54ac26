import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CachedSource } from '../../source/cached-source.ts';
import { FileSource } from '../../source/file-source.ts';
import { createFileTree } from '../tree.ts';
import { openNtfs } from './open.ts';
import { setAttribute } from './testing/content.ts';
import { DamagedNtfs } from './testing/damaged.ts';
import { makeNtfs, ntfs3gAbsent, openImage, withNtfs3g } from './testing/ntfs-3g.ts';

const TYPE = { STANDARD: 0x10, VOLUME: 0x70, DATA: 0x80 };
const MIB = 2 ** 20;

/** A reparse point that is a junction or a symbolic link to where Windows follows it. */
function link(tag: number, target: string, flags?: number): Buffer {
  const name = Buffer.from(target, 'utf16le');
  const shown = Buffer.from('shown', 'utf16le');
  const head = Buffer.alloc(8 + 8 + (flags === undefined ? 0 : 4));
  const names = Buffer.concat([name, Buffer.alloc(2), shown, Buffer.alloc(2)]);
  head.writeUInt32LE(tag, 0);
  head.writeUInt16LE(head.length - 8 + names.length, 4);
  for (const [index, value] of [0, name.length, name.length + 2, shown.length].entries())
    head.writeUInt16LE(value, 8 + index * 2);
  if (flags !== undefined) head.writeUInt32LE(flags, 16);
  return Buffer.concat([head, names]);
}

function point(tag: number, data = Buffer.from('data')): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(tag, 0);
  head.writeUInt16LE(data.length, 4);
  return Buffer.concat([head, data]);
}

const JUNCTION = 0xa0000003;
const SYMLINK = 0xa000000c;
const FOLDER_LINKS: readonly (readonly [name: string, point: Buffer, target: string])[] = [
  ['junction', link(JUNCTION, '\\??\\C:\\Users\\Öffentlich'), '/Users/Öffentlich'],
  ['drive', link(JUNCTION, '\\??\\D:\\data\\'), '/D:/data/'],
  [
    'mount point',
    link(JUNCTION, '\\??\\Volume{01234567-89ab-cdef-0123-456789abcdef}\\'),
    '/Volume{01234567-89ab-cdef-0123-456789abcdef}/',
  ],
  ['absolute', link(SYMLINK, '\\??\\c:\\Users', 0), '/Users'],
  ['root', link(SYMLINK, '\\Users', 1), '/Users'],
  ['relative', link(SYMLINK, '..\\other\\name', 1), '../other/name'],
  ['share', link(SYMLINK, '\\??\\UNC\\server\\share', 0), '/UNC/server/share'],
];
const KEPT_ELSEWHERE: readonly (readonly [name: string, tag: number, message: RegExp])[] = [
  ['deduplicated', 0x80000013, /deduplicated, reparse tag 0x80000013/],
  ['cloud', 0x9000601a, /in a cloud, reparse tag 0x9000601a/],
  ['unknown', 0x80009999, /not known, reparse tag 0x80009999/],
];

describe.skipIf(ntfs3gAbsent !== undefined)('openNtfs', () => {
  let folder: string;
  let image: string;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-ntfs-open-'));
    image = await makeNtfs(path.join(folder, 'image'), { args: '-c 1024 -L Größe', sizeBytes: 4 * MIB, fill });
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  function fill(mounted: string): void {
    const at = (name: string) => path.join(mounted, name);
    for (const [name, stored] of FOLDER_LINKS) {
      mkdirSync(at(name));
      setAttribute(at(name), 'system.ntfs_reparse_data', stored);
    }
    for (const [name, tag] of KEPT_ELSEWHERE) {
      writeFileSync(at(name), 'what is left here');
      setAttribute(at(name), 'system.ntfs_reparse_data', point(tag));
    }
    writeFileSync(at('alias'), '');
    setAttribute(at('alias'), 'system.ntfs_reparse_data', point(0x8000001b));
    writeFileSync(at('Long name of a file.text'), 'long');
    setAttribute(at('Long name of a file.text'), 'system.ntfs_dos_name', Buffer.from('LONGNA~1.TEX'));
    mkdirSync(at('Users'));
    for (const name of ['Case', 'cASE']) writeFileSync(at(`Users/${name}`), name);
    writeFileSync(at('hiberfil.sys'), Buffer.alloc(4096));
    writeFileSync(at('file'), 'x'.repeat(20_000));
  }

  test('says what blkid says', () => {
    const probe = execFileSync('blkid', ['-p', '-o', 'export', image], { encoding: 'utf8' });
    const { type, label, uuid, warnings } = openImage(image);
    expect(probe).toContain(`TYPE=${type}\n`);
    expect(probe).toContain(`UUID=${uuid}\n`);
    expect(label).toBe('Größe');
    expect(warnings).toEqual([]);
  });

  test.each(FOLDER_LINKS)('reads the target of a link: %s', (name, stored, target) => {
    const node = openImage(image).root.lookup(name);
    expect(node?.stat).toMatchObject({ type: 'symlink', sizeBytes: Buffer.byteLength(target) });
    expect(node?.readlink()).toBe(target);
    expect(node?.xattrs().get('system.ntfs_reparse_data')).toEqual(new Uint8Array(stored));
  });

  test('follows links of drive C: from the root', () => {
    const tree = createFileTree(openImage(image));
    expect(tree.readText('/absolute/case')).toBe('Case');
    expect(tree.readText('/ROOT/cASE')).toBe('cASE');
    expect(tree.exists('/drive/x')).toBe(false);
  });

  test.each(KEPT_ELSEWHERE)('refuses content that is kept elsewhere: %s', (name, _, message) => {
    const node = openImage(image).root.lookup(name);
    expect(node?.stat.type).toBe('file');
    const error = { kind: 'unsupported', format: 'ntfs', message: expect.stringMatching(message) };
    expect(() => node?.open()).toThrow(expect.objectContaining(error));
  });

  test('opens an alias of a program, which has no content', () => {
    expect(openImage(image).root.lookup('alias')?.open().sizeBytes).toBe(0);
  });

  test('looks names up without regard to case, and prefers the one that is the same', () => {
    const users = openImage(image).root.lookup('uSERS');
    const read = (name: string) => Buffer.from(users?.lookup(name)?.open().read(0, 4) ?? []).toString();
    expect([read('Case'), read('cASE'), read('CASE')]).toEqual(['Case', 'cASE', 'Case']);
    expect(users?.lookup('Casf')).toBeUndefined();
  });

  test('tells case apart in a folder that is marked so', () => {
    const volume = new DamagedNtfs(image);
    // version 1 of none
    volume.set32(volume.value('Users', TYPE.STANDARD) + 40, 1);
    const users = volume.open().root.lookup('USERS');
    expect(users?.lookup('Case')).toBeDefined();
    expect(users?.lookup('CASE')).toBeUndefined();
  });

  test('finds a file by its name for DOS, but does not list that, nor the files of the system', () => {
    const { root } = openImage(image);
    const names = [...root.list()].map(({ name }) => name);
    expect(names).toContain('Long name of a file.text');
    expect(names.filter((name) => name.includes('~') || name.startsWith('$'))).toEqual([]);
    const file = root.lookup('LONGNA~1.TEX');
    expect(file?.stat).toMatchObject({ links: 1, inode: root.lookup('long name of a file.text')?.stat.inode });
    expect(root.lookup('$MFT')?.stat.type).toBe('file');
  });

  test.each(['system.ntfs_attrib', 'system.ntfs_acl', 'system.ntfs_dos_name'])(
    'shows %s as ntfs-3g does',
    async (name) => {
      const files = ['file', 'Users', 'Long name of a file.text', 'hiberfil.sys'];
      const { root } = openImage(image);
      const shown = await withNtfs3g(image, 'ro', (mounted) => {
        return files.map((file) => attributeOf(path.join(mounted, file), name));
      });
      expect(files.map((file) => root.lookup(file)?.xattrs().get(name))).toEqual(shown);
      expect(shown.some((value) => value !== undefined)).toBe(true);
    },
  );

  test.each([
    ['marked as dirty', (volume: DamagedNtfs) => volume.set16(volume.value(3, TYPE.VOLUME) + 10, 1), /marked as dirty/],
    ['hibernated', hibernate('hibr'), /hibernated/],
    ['shut down for a fast startup', hibernate('HIBR'), /hibernated/],
    [
      'with a log that is damaged',
      (volume: DamagedNtfs) => volume.set(volume.firstRun(2, TYPE.DATA), 0),
      /log not replayed/,
    ],
    ['with a log that was not closed', restartPage({ inUse: 0, flags: 0 }), /log not replayed/],
  ])('warns of a volume that is %s', (_, change, warning) => {
    const volume = new DamagedNtfs(image);
    change(volume);
    expect(volume.open().warnings).toEqual([expect.stringMatching(warning)]);
  });

  test.each([
    ['closed', restartPage({ inUse: 0xffff, flags: 0 })],
    ['clean', restartPage({ inUse: 0, flags: 2 })],
  ])('does not warn of a log that is %s', (_, change) => {
    const volume = new DamagedNtfs(image);
    change(volume);
    expect(volume.open().warnings).toEqual([]);
  });

  test('reads zeros where nothing was written yet', () => {
    const volume = new DamagedNtfs(image);
    volume.set64(volume.attribute('file', TYPE.DATA) + 56, 5000);
    const content = volume.open().root.lookup('file')?.open();
    const expected = Buffer.concat([Buffer.alloc(5000, 'x'), Buffer.alloc(15_000)]);
    expect(expected.equals(content?.read(0, 20_000) ?? Buffer.alloc(0))).toBe(true);
  });

  test('tells which ranges hold nothing, all of them in the bitmap', () => {
    const fileSystem = openImage(image);
    const ranges = [...(fileSystem.freeRanges?.() ?? [])];
    expect(ranges.reduce((total, { length }) => total + length, 0)).toBe(fileSystem.freeBytes);
    const volume = new DamagedNtfs(image);
    for (const { offset, length } of ranges) volume.bytes.fill(0xee, offset, offset + length);
    const list = (opened: typeof fileSystem) => [...createFileTree(opened).walk()].map(({ path: name }) => name);
    expect(list(volume.open())).toEqual(list(fileSystem));
  });

  test('asks for the bytes it needs, however large the disk', async () => {
    const large = await makeNtfs(path.join(folder, 'large'), { args: '-Q', sizeBytes: 2 ** 38 });
    using file = FileSource.open(large);
    const source = new CachedSource(file, { blockBytes: 512 });
    expect(createFileTree(openNtfs(source)).names('/')).toEqual([]);
    // the table of capital letters is most of it
    expect(source.stats.bytes).toBeLessThan(600_000);
  });
});

function hibernate(signature: string) {
  return (volume: DamagedNtfs) => volume.set(volume.firstRun('hiberfil.sys', TYPE.DATA), ...Buffer.from(signature));
}

/** Puts a page at the start of the log that says who uses it. */
function restartPage({ inUse, flags }: { readonly inUse: number; readonly flags: number }) {
  return (volume: DamagedNtfs) => {
    const start = volume.firstRun(2, TYPE.DATA);
    volume.bytes.fill(0, start, start + 8192);
    volume.set(start, ...Buffer.from('RSTR'));
    // fix-ups of a page of 4 KiB, all marks 0
    volume.set16(start + 4, 30);
    volume.set16(start + 6, 9);
    volume.set32(start + 16, 4096);
    volume.set16(start + 24, 64);
    volume.set16(start + 64 + 12, inUse);
    volume.set16(start + 64 + 14, flags);
  };
}

function attributeOf(file: string, name: string): Uint8Array | undefined {
  try {
    const options = ['--only-values', '-n', name, file];
    return new Uint8Array(execFileSync('getfattr', options, { stdio: ['ignore', 'pipe', 'ignore'] }));
  } catch {
    return undefined;
  }
}
