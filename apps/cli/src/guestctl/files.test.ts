import { execFileSync } from 'node:child_process';
import {
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand, runForJson } from '../testing/run-command.ts';

let folder: string;
let image: string;
/** The folder that became the filesystem. */
let source: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'guestctl-files-'));
  source = path.join(folder, 'source');
  image = path.join(folder, 'files.img');
  fillFolder(source);
  execFileSync('mke2fs', ['-q', '-t', 'ext4', '-b', '1024', '-d', source, image, '16M']);
  const commands = ['cd etc', 'mknod null c 1 3', 'ea_set app.conf user.origin packaged', 'sif tool mode 0104755'];
  execFileSync('debugfs', ['-w', '-f', '-', image], { input: commands.join('\n'), stdio: ['pipe', 'pipe', 'pipe'] });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fillFolder(root: string): void {
  mkdirSync(path.join(root, 'etc/app.d'), { recursive: true });
  mkdirSync(path.join(root, 'srv'));
  writeFileSync(path.join(root, 'etc/app.conf'), 'a = 1\n');
  writeFileSync(path.join(root, 'etc/app.d/10-First.CONF'), 'b = 2\n');
  writeFileSync(path.join(root, 'etc/tool'), '#!/bin/sh\n', { mode: 0o755 });
  writeFileSync(path.join(root, 'srv/large'), Buffer.alloc(300_000, 'x'));
  linkSync(path.join(root, 'srv/large'), path.join(root, 'srv/again'));
  writeFileSync(path.join(root, 'srv/sparse'), 'start');
  truncateSync(path.join(root, 'srv/sparse'), 50_000_000);
  utimesSync(path.join(root, 'etc/app.conf'), 1_600_000_000, 1_600_000_000);
  symlinkSync('app.conf', path.join(root, 'etc/inside'));
  symlinkSync('../../outside', path.join(root, 'etc/outside'));
  symlinkSync('/etc/passwd', path.join(root, 'etc/absolute'));
  symlinkSync('.', path.join(root, 'here'));
  symlinkSync('here/..', path.join(root, 'up'));
}

describe('guestctl find', () => {
  const found = (...args: string[]) =>
    runCommand('guestctl', ['find', image, ...args])
      .stdout.split('\n')
      .slice(0, -1);

  test.each([
    [['--name', '*.conf'], ['/etc/app.conf']],
    [
      ['--iname', '*.conf'],
      ['/etc/app.conf', '/etc/app.d/10-First.CONF'],
    ],
    [['--path', '/etc/*/*'], ['/etc/app.d/10-First.CONF']],
    [
      ['/etc', '--type', 'd'],
      ['/etc', '/etc/app.d'],
    ],
    [
      ['/etc', '--type', 'c,l'],
      ['/etc/absolute', '/etc/inside', '/etc/null', '/etc/outside'],
    ],
    [['--size', '+1M', '--type', 'f'], ['/srv/sparse']],
    [
      ['/etc', '--size', '6'],
      ['/etc/app.conf', '/etc/app.d/10-First.CONF'],
    ],
    [['--until', '2021-01-01'], ['/etc/app.conf']],
    [['--perm', '4000', '--type', 'f'], ['/etc/tool']],
    [['/srv', '--max-depth', '0'], ['/srv']],
    [['/etc/app.conf'], ['/etc/app.conf']],
  ])('%j finds %j', (args, paths) => {
    expect(found(...args)).toEqual(paths);
  });

  test('ends paths with NUL when told so, and prints documents like ls', () => {
    expect(runCommand('guestctl', ['find', image, '/srv', '--name', 'l*', '-0']).stdout).toBe('/srv/large\0');
    const [entry] = runForJson('guestctl', ['find', image, '--name', 'app.conf']);
    expect(entry).toMatchObject({ path: '/etc/app.conf', type: 'file', size: 6, mtime: '2020-09-13T12:26:40Z' });
  });

  test.each([
    ['--size', 'big'],
    ['--type', 'x'],
    ['--since', 'yesterday-ish'],
    ['--perm', '9'],
  ])('refuses %s %s, and says what it expects', (option, value) => {
    const { code, stderr } = runCommand('guestctl', ['find', image, option, value]);
    expect(code).toBe(2);
    expect(stderr).toContain('expected');
  });
});

describe('guestctl stat', () => {
  test('tells all that is kept of a file', () => {
    const facts = runForJson('guestctl', ['stat', image, '/etc/app.conf']);
    expect(facts).toMatchObject({ type: 'file', mode: '0644', size: 6, links: 1, device: null, streams: {} });
    expect(facts.mtime).toBe('2020-09-13T12:26:40Z');
    expect(Buffer.from(facts.xattrs['user.origin'], 'hex').toString()).toBe('packaged');
  });

  test('is of a link itself, unless it is to be followed', () => {
    expect(runForJson('guestctl', ['stat', image, '/etc/inside'])).toMatchObject({
      type: 'symlink',
      target: 'app.conf',
    });
    expect(runForJson('guestctl', ['stat', image, '/etc/inside', '-L'])).toMatchObject({ type: 'file', target: null });
  });

  test('names the numbers of a device, in a line of its own', () => {
    expect(runCommand('guestctl', ['stat', image, '/etc/null']).stdout).toMatch(/^device: +1, 3$/m);
  });
});

describe('guestctl tree', () => {
  test('draws folders and links', () => {
    expect(runCommand('guestctl', ['tree', image, '/etc']).stdout.split('\n')).toEqual([
      '/etc',
      '├── absolute -> /etc/passwd',
      '├── app.conf',
      '├── app.d',
      '│   └── 10-First.CONF',
      '├── inside -> app.conf',
      '├── null',
      '├── outside -> ../../outside',
      '└── tool',
      '',
    ]);
  });

  test('ends where it is told to, or leaves files out', () => {
    expect(runCommand('guestctl', ['tree', image, '--depth', '1', '--directories']).stdout).toBe(
      '/\n├── etc\n├── lost+found\n└── srv\n',
    );
    expect(runForJson('guestctl', ['tree', image, '/etc/app.d'])).toMatchObject({
      name: '/etc/app.d',
      entries: [{ name: '10-First.CONF', type: 'file', size: 6 }],
    });
  });
});

test('guestctl du counts a file of two names once', () => {
  const usages = runForJson('guestctl', ['du', image]);
  expect(usages.map(({ path }: { path: string }) => path)).toEqual(['/', '/etc', '/lost+found', '/srv']);
  expect(usages[3]).toMatchObject({ size: 50_300_000, files: 2 });
  expect(usages[3].allocated).toBeLessThanOrEqual(usages[3].size);
});

test('guestctl du counts below the folder that a link leads to', () => {
  expect(runForJson('guestctl', ['du', image, '/here'])).toEqual(runForJson('guestctl', ['du', image, '/']));
});

describe('guestctl extract', () => {
  let count = 0;
  const extract = (...args: string[]) => {
    const to = path.join(folder, `extracted-${count++}`);
    return { to, ran: runCommand('guestctl', ['extract', image, ...args, '--to', to]) };
  };

  test('copies a folder with all below it', () => {
    const { to, ran } = extract('/');
    expect(ran.code).toBe(0);
    for (const name of ['etc/app.conf', 'etc/app.d/10-First.CONF', 'srv/large', 'srv/sparse']) {
      expect(readFileSync(path.join(to, name)).equals(readFileSync(path.join(source, name)))).toBe(true);
    }
    expect(statSync(path.join(to, 'srv/sparse')).blocks * 512).toBeLessThan(1_000_000);
    expect(statSync(path.join(to, 'etc/app.conf')).mtimeMs).toBe(1_600_000_000_000);
    expect(readlinkSync(path.join(to, 'etc/inside'))).toBe('app.conf');
  });

  test('leaves out devices, setuid bits, and links that lead elsewhere, and says so', () => {
    const { to, ran } = extract('/');
    expect(lstatSync(path.join(to, 'etc/tool')).mode & 0o7777).toBe(0o755);
    expect(readdirSync(path.join(to, 'etc'))).toEqual(['app.conf', 'app.d', 'inside', 'tool']);
    expect(readdirSync(to)).not.toContain('up');
    for (const left of ['/etc/null: it is a character', '/etc/absolute: it is a link', '/etc/outside', '/up']) {
      expect(ran.stderr).toContain(`left out ${left}`);
    }
  });

  test('makes such links when it is told to', () => {
    const { to } = extract('/etc', '--links');
    expect(readlinkSync(path.join(to, 'etc/absolute'))).toBe('/etc/passwd');
  });

  test('copies single files, with the folders on the way', () => {
    const { to, ran } = extract('/etc/app.conf', '/srv/large', '--output', 'json');
    expect(JSON.parse(ran.stdout)).toEqual({ to, files: 2, folders: 0, links: 0, bytes: 300_006, skipped: [] });
    expect(readdirSync(path.join(to, 'etc'))).toEqual(['app.conf']);
  });

  test('writes into no folder that holds something', () => {
    const { code, stderr } = runCommand('guestctl', ['extract', image, '/etc', '--to', source]);
    expect(code).toBe(2);
    expect(stderr).toContain('expected a new or empty folder');
  });

  test('stops at the limit of bytes', () => {
    const { ran } = extract('/srv', '--limit-bytes', '1000');
    expect(ran.code).toBe(7);
    expect(ran.stderr).toContain('more than 1000 bytes');
  });
});
