import { execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sameFile, sameStamp, stampOf } from './file-stamp.ts';
import { type GuardedFile, openWithin } from './path-guard.ts';

let base: string;
let root: string;
const opened: GuardedFile[] = [];

beforeEach(() => {
  base = mkdtempSync(path.join(tmpdir(), 'guestkit-path-guard-'));
  root = path.join(base, 'images');
  mkdirSync(path.join(root, 'lab'), { recursive: true });
  mkdirSync(path.join(base, 'images-of-others'));
  writeFileSync(path.join(root, 'disk.raw'), 'a disk');
  writeFileSync(path.join(root, 'lab', 'web.raw'), 'a web disk');
  writeFileSync(path.join(base, 'secret'), 'a secret');
  writeFileSync(path.join(base, 'images-of-others', 'disk.raw'), 'of others');
});

afterEach(() => {
  for (const { fd } of opened.splice(0)) closeSync(fd);
  rmSync(base, { recursive: true, force: true });
});

function openHere(clientPath: string, roots: readonly string[] = [root]): GuardedFile {
  const file = openWithin(roots, clientPath);
  opened.push(file);
  return file;
}

describe('openWithin opens', () => {
  test('a path relative to a root', () => {
    expect(readFileSync(openHere('lab/web.raw').fd, 'utf8')).toBe('a web disk');
  });

  test('an absolute path within a root', () => {
    expect(openHere(path.join(root, 'disk.raw')).path).toBe(path.join(root, 'disk.raw'));
  });

  test('the first root that has a relative path', () => {
    expect(readFileSync(openHere('disk.raw', [path.join(root, 'lab'), root]).fd, 'utf8')).toBe('a disk');
  });

  test('a symlink that stays within the roots, by its real path', () => {
    symlinkSync('lab/web.raw', path.join(root, 'link'));
    expect(openHere('link').path).toBe(path.join(root, 'lab', 'web.raw'));
  });

  test('a file below a root that is itself a symlink, by either name', () => {
    symlinkSync(root, path.join(base, 'alias'));
    expect(openHere(path.join(base, 'alias', 'disk.raw'), [path.join(base, 'alias')]).path).toBe(
      path.join(root, 'disk.raw'),
    );
    expect(openHere(path.join(root, 'disk.raw'), [path.join(base, 'alias')]).path).toBe(path.join(root, 'disk.raw'));
  });
});

describe('openWithin refuses', () => {
  const outside: readonly (readonly [string, string | (() => string)])[] = [
    ['a climb by dots', '../secret'],
    ['a climb that ends within', '../images/disk.raw'],
    ['an absolute climb', () => `${root}/../secret`],
    ['an absolute path outside', '/etc/passwd'],
    ['a path outside that does not exist, in the same words', '/etc/no-such-file'],
    ['a folder whose name starts like the root', () => path.join(base, 'images-of-others', 'disk.raw')],
    ['a NUL', 'disk.raw\0.qcow2'],
    ['nothing', ''],
    ['a device', '/dev/zero'],
    ['a file of the kernel', '/proc/self/environ'],
  ];
  test.each(outside)('%s', (_, clientPath) => {
    const given = typeof clientPath === 'string' ? clientPath : clientPath();
    expect(() => openHere(given)).toThrow(
      expect.objectContaining({
        kind: 'denied',
        path: given,
        message: `Cannot open "${given}": it is outside the allowed folders`,
      }),
    );
  });

  test.each([
    ['a symlink to a file outside', '../secret'],
    ['an absolute symlink outside', '/etc/passwd'],
    ['a symlink to a device', '/dev/zero'],
  ])('%s, without telling where it leads', (_, target) => {
    symlinkSync(target, path.join(root, 'link'));
    const attempt = () => openHere('link');
    expect(attempt).toThrow(expect.objectContaining({ kind: 'denied', message: expect.not.stringContaining(target) }));
  });

  test('a folder on the way that is a symlink outside', () => {
    symlinkSync('../images-of-others', path.join(root, 'others'));
    expect(() => openHere('others/disk.raw')).toThrow(expect.objectContaining({ kind: 'denied' }));
  });

  test('devices and kernel files even when the root is everything', () => {
    for (const file of ['/dev/zero', '/proc/self/environ', '/sys/kernel/notes']) {
      expect(() => openHere(file, ['/'])).toThrow(expect.objectContaining({ kind: 'denied' }));
    }
  });

  test('a loop of symlinks', () => {
    symlinkSync('b', path.join(root, 'a'));
    symlinkSync('a', path.join(root, 'b'));
    expect(() => openHere('a')).toThrow(expect.objectContaining({ kind: 'not-found' }));
  });

  test('a missing file', () => {
    expect(() => openHere('no-such.raw')).toThrow(
      expect.objectContaining({ kind: 'not-found', message: 'Cannot open "no-such.raw": there is no such file' }),
    );
  });

  test('a file as if it were a folder', () => {
    expect(() => openHere('disk.raw/more')).toThrow(expect.objectContaining({ kind: 'not-found' }));
  });

  test('a root that does not exist', () => {
    expect(() => openHere('disk.raw', [path.join(base, 'gone')])).toThrow(expect.objectContaining({ kind: 'denied' }));
  });

  test('a folder', () => {
    expect(() => openHere('lab')).toThrow(expect.objectContaining({ kind: 'not-a-file' }));
  });

  test('a pipe, without waiting for its writer', () => {
    execFileSync('mkfifo', [path.join(root, 'pipe')]);
    expect(() => openHere('pipe')).toThrow(expect.objectContaining({ kind: 'not-a-file' }));
  });

  test('a socket', async () => {
    const server = createServer();
    await new Promise<void>((listening) => server.listen(path.join(root, 'socket'), listening));
    expect(() => openHere('socket')).toThrow(expect.objectContaining({ kind: 'not-a-file' }));
    server.close();
  });

  test('with messages free of the real paths of the host', () => {
    const alias = path.join(base, 'alias');
    symlinkSync(root, alias);
    symlinkSync('../secret', path.join(root, 'link'));
    for (const clientPath of ['link', 'missing', 'lab']) {
      expect(() => openHere(clientPath, [alias])).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining(base) }),
      );
    }
  });
});

test('openWithin never opens another file while names are swapped under it', async () => {
  // a folder that turns, as fast as a process can, into a symlink to the folder of others and back
  const swapper = `
    const { renameSync, symlinkSync } = require('node:fs');
    process.chdir(${JSON.stringify(root)});
    symlinkSync('../images-of-others', 'evil');
    const end = Date.now() + 1500;
    process.stdout.write('ready');
    while (Date.now() < end) {
      renameSync('swapped', 'good'); renameSync('evil', 'swapped');
      renameSync('swapped', 'evil'); renameSync('good', 'swapped');
    }`;
  mkdirSync(path.join(root, 'swapped'));
  writeFileSync(path.join(root, 'swapped', 'disk.raw'), 'mine');
  const child = spawn(process.execPath, ['-e', swapper], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise<void>((done) => child.once('exit', () => done()));
  await new Promise((ready) => child.stdout.once('data', ready));

  const seen = new Set<string>();
  while (child.exitCode === null) {
    for (let i = 0; i < 200; i++) seen.add(contentOrKind('swapped/disk.raw'));
    await new Promise(setImmediate);
  }
  await exited;
  expect(seen).toContain('mine');
  expect(seen).not.toContain('of others');
});

function contentOrKind(clientPath: string): string {
  let file: GuardedFile;
  try {
    file = openWithin([root], clientPath);
  } catch (error) {
    return error instanceof Error && 'kind' in error ? String(error.kind) : String(error);
  }
  try {
    return readFileSync(file.fd, 'utf8');
  } finally {
    closeSync(file.fd);
  }
}

describe('a stamp', () => {
  test('stays while nobody writes', () => {
    const { fd, stamp } = openHere('disk.raw');
    expect(sameStamp(stampOf(fd), stamp)).toBe(true);
  });

  test('changes when the file grows', () => {
    const { fd, stamp } = openHere('disk.raw');
    appendFileSync(path.join(root, 'disk.raw'), '!');
    expect(sameStamp(stampOf(fd), stamp)).toBe(false);
  });

  test('knows a file by any of its names, and not its replacement', () => {
    const { stamp } = openHere('disk.raw');
    linkSync(path.join(root, 'disk.raw'), path.join(root, 'hard.raw'));
    expect(sameFile(openHere('hard.raw').stamp, stamp)).toBe(true);
    writeFileSync(path.join(root, 'new.raw'), 'a disk');
    renameSync(path.join(root, 'new.raw'), path.join(root, 'disk.raw'));
    expect(sameFile(openHere('disk.raw').stamp, stamp)).toBe(false);
  });
});
