import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DiskError } from '../error.ts';
import { hasE2fsprogs, makeExt, openImage } from './ext4/testing/image.ts';
import type { FileSystem } from './file-system.ts';
import type { FileTree } from './file-tree.ts';
import { createFileTree } from './tree.ts';

const INVALID_NAME = Buffer.from([0x62, 0xe4, 0x72]);

describe.skipIf(!hasE2fsprogs)('createFileTree', () => {
  let folder: string;
  let root: FileSystem;
  let boot: FileSystem;
  let esp: FileSystem;
  let tree: FileTree;

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-tree-'));
    root = fileSystemOf('root', {
      'etc/hostname': 'guest\n',
      'etc/binary': Buffer.from([0x61, 0xff]),
      'etc/link': { target: 'hostname' },
      'boot/hidden': 'under the mount',
      'var/run': { target: '/run' },
      'run/pid': '1',
      'loop-a': { target: 'loop-b' },
      'loop-b': { target: 'loop-a' },
      above: { target: '../../../../etc/hostname' },
      'to-boot': { target: 'boot' },
      dangling: { target: '/nowhere' },
      ...Object.fromEntries(
        Array.from({ length: 42 }, (_, n) => [`chain-${n}`, { target: n ? `chain-${n - 1}` : 'etc' }]),
      ),
      ...Object.fromEntries(['B', 'a', '\u{10ffff}', '\uffff', 'é', '0'].map((name) => [`order/${name}`, ''])),
    });
    boot = fileSystemOf('boot', { vmlinuz: 'kernel', 'efi/old': '', up: { target: '../etc/hostname' } });
    esp = fileSystemOf('esp', { 'EFI/BOOT/BOOTX64.EFI': 'MZ' });
    tree = createFileTree([
      { path: '/boot/efi', device: '/dev/sda1', fileSystem: esp },
      { path: '/boot/', device: '/dev/sda2', fileSystem: boot },
      { path: '/', device: '/dev/sda3', fileSystem: root },
    ]);
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  function fileSystemOf(
    name: string,
    files: Readonly<Record<string, string | Buffer | { target: string }>>,
  ): FileSystem {
    const from = path.join(folder, name);
    mkdirSync(from);
    for (const [file, content] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(from, file)), { recursive: true });
      if (typeof content === 'object' && 'target' in content) symlinkSync(content.target, path.join(from, file));
      else writeFileSync(path.join(from, file), content);
    }
    if (name === 'root') writeFileSync(Buffer.concat([Buffer.from(`${from}/`), INVALID_NAME]), 'found');
    return openImage(makeExt(`${from}.img`, { args: '-t ext4', from, sizeBytes: 4 * 1024 * 1024 }));
  }

  test('reads a file by its path', () => {
    expect(tree.readText('/etc/hostname')).toBe('guest\n');
    expect(tree.open('/etc/hostname').sizeBytes).toBe(6);
    expect(tree.stat('/etc').type).toBe('directory');
  });

  test('takes paths with doubled slashes, dots and no slash in front', () => {
    for (const spelling of ['//etc//hostname', '/etc/./hostname', 'etc/hostname', '/etc/../etc/hostname/']) {
      expect(tree.readText(spelling)).toBe('guest\n');
    }
  });

  test('follows links, but for the last one when told so', () => {
    expect(tree.find('/etc/link')?.stat.type).toBe('file');
    expect(tree.findLink('/etc/link')?.stat.type).toBe('symlink');
    expect(tree.findLink('/var/run/pid')?.stat.type).toBe('file');
    expect(tree.readlink('/etc/link')).toBe('hostname');
    expect(tree.readlink('/etc/hostname')).toBeUndefined();
  });

  test('restarts absolute links at the root and never climbs above it', () => {
    expect(tree.realpath('/var/run/pid')).toBe('/run/pid');
    expect(tree.readText('/above')).toBe('guest\n');
    expect(tree.realpath('/../..')).toBe('/');
  });

  test('shows what is mounted in place of what is beneath it', () => {
    expect(tree.exists('/boot/hidden')).toBe(false);
    expect(tree.readText('/boot/vmlinuz')).toBe('kernel');
    expect(tree.names('/boot')).toEqual(['efi', 'lost+found', 'up', 'vmlinuz']);
    expect(tree.names('/boot/efi')).toEqual(['EFI', 'lost+found']);
    expect(
      tree
        .list('/boot')
        .find(({ name }) => name === 'efi')
        ?.node(),
    ).toBe(esp.root);
  });

  test('crosses mounts by links and by ..', () => {
    expect(tree.readText('/boot/up')).toBe('guest\n');
    expect(tree.realpath('/to-boot/efi/EFI/../../vmlinuz')).toBe('/boot/vmlinuz');
  });

  test('mounts on the folder that a link leads to, and where there is no folder', () => {
    const other = createFileTree([
      { path: '/', device: 'a', fileSystem: root },
      { path: '/to-boot', device: 'b', fileSystem: boot },
      { path: '/new', device: 'c', fileSystem: esp },
    ]);
    expect(other.realpath('/boot/vmlinuz')).toBe('/boot/vmlinuz');
    expect(other.exists('/new/EFI')).toBe(true);
    expect(other.names('/')).toContain('new');
  });

  test('needs a filesystem on the root', () => {
    expect(() => createFileTree([{ path: '/boot', device: 'b', fileSystem: boot }])).toThrow(TypeError);
  });

  test('finds names that are not UTF-8', () => {
    expect(tree.names('/')).toContain('b\udce4r');
    expect(tree.readText('/b\udce4r')).toBe('found');
  });

  test('sorts names by their bytes', () => {
    expect(tree.names('/order')).toEqual(['0', 'B', 'a', 'é', '\uffff', '\u{10ffff}']);
  });

  test('replaces invalid bytes in text, and only there', () => {
    expect(tree.readText('/etc/binary')).toBe('a\ufffd');
    expect(tree.readFile('/etc/binary')).toEqual(Uint8Array.of(0x61, 0xff));
  });

  test('follows 40 links and no more', () => {
    expect(tree.find('/chain-39')?.stat.type).toBe('directory');
    const tooMany = expect.objectContaining({ kind: 'corrupt', path: '/chain-40' });
    expect(() => tree.find('/chain-40')).toThrow(tooMany);
    expect(() => tree.find('/loop-a')).toThrow(expect.objectContaining({ kind: 'corrupt', path: '/loop-a' }));
    expect(tree.findLink('/loop-a')?.stat.type).toBe('symlink');
  });

  test.each(['/missing', '/etc/hostname/below', '/dangling', '/missing/../etc'])('does not find %s', (missing) => {
    const notFound = expect.objectContaining({ name: 'DiskError', kind: 'not-found', path: missing });
    expect(tree.find(missing)).toBeUndefined();
    expect(tree.exists(missing)).toBe(false);
    expect(tree.readText(missing)).toBeUndefined();
    expect(tree.realpath(missing)).toBeUndefined();
    expect(tree.names(missing)).toEqual([]);
    for (const action of ['stat', 'list', 'open', 'readFile'] as const) {
      expect(() => tree[action](missing)).toThrow(notFound);
    }
    expect(() => [...tree.walk(missing)]).toThrow(notFound);
  });

  test('refuses to list a file and to open a folder', () => {
    expect(() => tree.list('/etc/hostname')).toThrow(expect.objectContaining({ kind: 'not-found' }));
    expect(() => tree.open('/etc')).toThrow(expect.objectContaining({ kind: 'not-found' }));
    expect(tree.names('/etc/hostname')).toEqual([]);
    expect(tree.readText('/etc')).toBeUndefined();
  });

  test('refuses to read a file that is larger than asked for', () => {
    expect(tree.readFile('/etc/hostname', 6)).toHaveLength(6);
    expect(() => tree.readFile('/etc/hostname', 5)).toThrow(expect.objectContaining({ kind: 'unsupported' }));
    expect(() => tree.readText('/etc/hostname', 5)).toThrow(DiskError);
  });

  test('walks folders before their content, over mounts, without following links', () => {
    const paths = [...tree.walk('/boot')].map((entry) => entry.path);
    const inEfi = ['', '/EFI', '/EFI/BOOT', '/EFI/BOOT/BOOTX64.EFI', '/lost+found'].map((below) => `/boot/efi${below}`);
    expect(paths).toEqual(['/boot', ...inEfi, '/boot/lost+found', '/boot/up', '/boot/vmlinuz']);
    expect([...tree.walk('/to-boot')].map((entry) => entry.path)).toEqual(paths);
    expect([...tree.walk('/etc/hostname')].map((entry) => entry.path)).toEqual(['/etc/hostname']);
  });

  test('walks 256 folders deep', () => {
    const name = 'd/'.repeat(300);
    const deep = createFileTree(fileSystemOf('deep', { [`${name}end`]: '' }));
    expect(deep.exists(`/${name}end`)).toBe(true);
    const walked: string[] = [];
    const walk = () => {
      for (const entry of deep.walk()) walked.push(entry.path);
    };
    expect(walk).toThrow(expect.objectContaining({ kind: 'unsupported' }));
    expect(walked).toContain(`/${'d/'.repeat(256).slice(0, -1)}`);
    const told: string[] = [];
    const rest = [...deep.walk('/', { onUnreadable: (unreadable) => told.push(unreadable) })];
    expect(told).toEqual([`/${'d/'.repeat(256).slice(0, -1)}`]);
    expect(rest.map((entry) => entry.path)).toContain('/lost+found');
  });
});
