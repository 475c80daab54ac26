import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeSampleDisk } from '../../../../scripts/sample-disk.ts';
import { type ListedFile, listFolder } from '../../../../test/support/tree-listing.ts';
import { commandFile, runCommand, runForJson } from '../testing/run-command.ts';

// bytes that a text decoder would change
const BINARY = Buffer.from([0, 0xff, 0xfe, 0x80, 0x0a, 0x1b]);
const HOSTILE_NAME = 'evil\u001b[31m\nname';

let folder: string;
let image: string;
/** The folder that became the filesystem, as the host's kernel shows it. */
let source: readonly ListedFile[];

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'guestctl-listing-'));
  image = path.join(folder, 'sample.qcow2');
  makeSampleDisk(image, {
    prepare(root) {
      mkdirSync(path.join(root, 'a/b'), { recursive: true });
      writeFileSync(path.join(root, 'a/b/binary'), BINARY);
      writeFileSync(path.join(root, 'a/large'), Buffer.alloc(3 * 2 ** 20 + 17, 'guest'));
      writeFileSync(path.join(root, 'a', HOSTILE_NAME), '');
      // sorts before "a/…" by name, and between them by path
      writeFileSync(path.join(root, 'a-file'), 'x', { mode: 0o600 });
      symlinkSync('b', path.join(root, 'a/link'));
      source = listFolder(root);
    },
  });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('guestctl hash -R', () => {
  const options = ['--device', '/dev/sda2', '-R'];
  let entries: readonly HashedEntry[];

  beforeAll(() => {
    entries = runForJson('guestctl', ['hash', image, ...options]);
  });

  test('agrees with the folder that the filesystem was made from', () => {
    // the size of a folder, and the root itself, are the filesystem's own affair
    const comparable = entries.filter(({ path }) => !['/', '/lost+found'].includes(path));
    const expected = source.filter(({ path }) => path !== '/').map(asHashedEntry);
    expect(comparable.map(withoutFolderSize)).toEqual(expected.toSorted(byPath));
    expect(source.length).toBeGreaterThan(50);
  });

  test('lists the root folder itself as "/", first', () => {
    const root = { path: '/', type: 'directory', mode: '0755', uid: 0, gid: 0, sha256: null, target: null };
    expect(entries[0]).toMatchObject(root);
  });

  test('sorts by path, not by folder', () => {
    expect(entries).toEqual(entries.toSorted(byPath));
    const paths = entries.map(({ path }) => path);
    expect(paths.indexOf('/a-file')).toBeLessThan(paths.indexOf('/a/b'));
  });

  test('takes the assembled root of the guest when no device is named', () => {
    const all = runForJson('guestctl', ['hash', image, '/etc', '-R']);
    expect(all).toEqual(runForJson('guestctl', ['hash', image, '/etc', ...options]));
    expect(all[0].path).toBe('/etc');
  });
});

describe('guestctl ls', () => {
  test('lists the content of a folder, and nothing below it', () => {
    const entries = runForJson('guestctl', ['ls', image, '/a']);
    expect(entries.map((entry: HashedEntry) => entry.path)).toEqual([
      '/a/b',
      `/a/${HOSTILE_NAME}`,
      '/a/large',
      '/a/link',
    ]);
    expect(entries[3]).toMatchObject({ type: 'symlink', target: 'b', size: 1 });
  });

  test('tells modes, owners and times', () => {
    const [entry] = runForJson('guestctl', ['ls', image, '/a-file']);
    expect(entry).toEqual({
      path: '/a-file',
      type: 'file',
      mode: '0600',
      uid: 0,
      gid: 0,
      size: 1,
      mtime: expect.any(String),
      target: null,
    });
    expect(Math.abs(Date.now() - Date.parse(entry.mtime))).toBeLessThan(600_000);
  });

  test('follows a link that leads to a folder', () => {
    expect(runForJson('guestctl', ['ls', image, '/a/link'])).toMatchObject([{ path: '/a/link/binary' }]);
  });

  test('escapes control characters in a table, and keeps them in JSON', () => {
    const { stdout } = runCommand('guestctl', ['ls', image, '/a']);
    expect(stdout).toContain('/a/evil\\x1b[31m\\x0aname\n');
    expect(stdout).not.toContain('\u001b');
    const json = runCommand('guestctl', ['ls', image, '/a', '--output', 'json']).stdout;
    expect(json).not.toContain('\u001b');
    expect(JSON.parse(json)[1].path).toBe(`/a/${HOSTILE_NAME}`);
  });

  test('is quiet when its reader has seen enough', () => {
    const pipeline = `"${process.execPath}" "${commandFile('guestctl')}" ls --device sda2 -R "${image}" / | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', pipeline], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^TYPE .*\n0\n$/);
  });
});

describe('guestctl cat', () => {
  test('writes the bytes as they are', () => {
    const { stdout } = spawnSync(process.execPath, [commandFile('guestctl'), 'cat', image, '/a/b/binary']);
    expect(stdout).toEqual(BINARY);
  });

  test('writes a file of several megabytes whole, and through a link', () => {
    const { stdout } = spawnSync(process.execPath, [commandFile('guestctl'), 'cat', image, '/a/large'], {
      maxBuffer: 2 ** 24,
    });
    expect(stdout).toEqual(Buffer.alloc(3 * 2 ** 20 + 17, 'guest'));
    expect(runCommand('guestctl', ['cat', image, '/etc/os-release']).stdout).toBe(
      readFileSync('/etc/os-release', 'utf8'),
    );
  });

  test('puts text into a document as text, and other bytes as base64', () => {
    expect(runForJson('guestctl', ['cat', image, '/a-file'])).toEqual({
      path: '/a-file',
      size: 1,
      encoding: 'utf-8',
      content: 'x',
    });
    expect(runForJson('guestctl', ['cat', image, '/a/b/binary'])).toEqual({
      path: '/a/b/binary',
      size: BINARY.length,
      encoding: 'base64',
      content: BINARY.toString('base64'),
    });
  });
});

interface HashedEntry {
  readonly path: string;
  readonly type: string;
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  readonly size: number | null;
  readonly sha256: string | null;
  readonly target: string | null;
}

function byPath(one: HashedEntry, other: HashedEntry): number {
  return Buffer.compare(Buffer.from(one.path), Buffer.from(other.path));
}

function withoutFolderSize(entry: HashedEntry): HashedEntry {
  return entry.type === 'directory' ? { ...entry, size: null } : entry;
}

/** Files of the image belong to root even when somebody else made it. */
function asHashedEntry({ path, type, mode, size, sha256, target }: ListedFile): HashedEntry {
  const owner = { uid: 0, gid: 0 };
  const entry = {
    path,
    type,
    mode: mode.padStart(4, '0'),
    ...owner,
    size,
    sha256: sha256 ?? null,
    target: target ?? null,
  };
  return withoutFolderSize(entry);
}
