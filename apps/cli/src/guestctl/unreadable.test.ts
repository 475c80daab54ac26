import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EXIT_CODES } from '../exit-code.ts';
import { type Ran, runCommand } from '../testing/run-command.ts';

const PATH = `${process.env.PATH}:/usr/sbin:/sbin`;
const BLOCK_BYTES = 1024;
const MANY = 23;

let folder: string;
let image: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'guestctl-unreadable-'));
  image = path.join(folder, 'damaged.raw');
  const content = path.join(folder, 'content');
  for (const name of ['before', 'folder', 'many']) mkdirSync(path.join(content, name), { recursive: true });
  for (const name of ['before/whole', 'folder/lost', 'inode', 'no-extents', 'whole', ...many()]) {
    writeFileSync(path.join(content, name), `content of ${name}\n`);
  }
  const features = ['-t', 'ext4', '-b', String(BLOCK_BYTES), '-O', 'metadata_csum,^inline_data'];
  execFileSync('mke2fs', ['-q', '-F', ...features, '-d', content, image, '8M'], { env: { ...process.env, PATH } });
  // debugfs makes the checksum fit, so it is the extents that are wrong, not the inode
  debugfs('set_inode_field /no-extents block[0] 0', ...many().map((name) => `set_inode_field /${name} block[0] 0`));
  damage(blockOf('/folder') + 100);
  damage(inodeAt('/inode') + 8);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(['hash', 'ls'])('guestctl %s -R of a damaged filesystem', (command) => {
  test('prints all that can be read', () => {
    const paths = entriesOf(run(command, '/', '-R')).map((entry) => entry.path);
    const some = ['/', '/before', '/before/whole', '/folder', '/no-extents', '/whole'];
    expect(paths).toEqual(expect.arrayContaining(some));
    expect(paths).not.toContain('/folder/lost');
    expect(paths).not.toContain('/inode');
  });

  test('names on stderr what cannot be read, and ends as the first of it', () => {
    const { code, stderr } = run(command, '/', '-R');
    expect(stderr).toMatch(/^guestctl: \/folder: Cannot .*checksum/m);
    expect(stderr).toMatch(/^guestctl: \/inode: Cannot .*checksum/m);
    expect(stderr).toMatch(/\nguestctl: Cannot read all of "\/": \d+ unreadable\n$/);
    expect(code).toBe(EXIT_CODES.corrupt);
  });

  test('is as before where nothing is damaged', () => {
    expect(run(command, '/before', '-R')).toMatchObject({ code: EXIT_CODES.ok, stderr: '' });
  });
});

describe('guestctl hash', () => {
  test('lists a file whose content cannot be read without its SHA-256', () => {
    const entries = entriesOf(run('hash', '/', '-R'));
    expect(entries).toContainEqual(expect.objectContaining({ path: '/no-extents', type: 'file', sha256: null }));
    expect(entries).toContainEqual(
      expect.objectContaining({ path: '/whole', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) }),
    );
    expect(runCommand('guestctl', ['hash', image, '/no-extents']).stdout).toContain('unreadable');
  });

  test('names a bounded number of files, and counts the rest', () => {
    const { stderr } = run('hash', '/many');
    const lines = stderr.trimEnd().split('\n');
    expect(lines).toHaveLength(22);
    expect(lines[0]).toMatch(/^guestctl: \/many\/00: Cannot /);
    expect(lines.slice(20)).toEqual(['guestctl: and 3 more', 'guestctl: Cannot read all of "/many": 23 unreadable']);
  });

  test('says the place of the first when asked', () => {
    const { stderr } = run('hash', '/many', '--verbose');
    expect(stderr).toMatch(/\{"path":"\/many\/00","kind":"corrupt","format":"ext4","offset":\d+\}/);
  });
});

describe('guestctl ls', () => {
  test('lists a folder without the file whose inode cannot be read', () => {
    const ran = run('ls', '/');
    expect(entriesOf(ran).map((entry) => entry.path)).toEqual([
      '/before',
      '/folder',
      '/lost+found',
      '/many',
      '/no-extents',
      '/whole',
    ]);
    expect(ran).toMatchObject({ code: EXIT_CODES.corrupt, stderr: expect.stringContaining(': 1 unreadable') });
  });

  test('prints nothing of a folder that cannot be read at all', () => {
    expect(run('ls', '/folder')).toMatchObject({ code: EXIT_CODES.corrupt, stdout: '' });
  });
});

interface Entry {
  readonly path: string;
  readonly sha256?: string | null;
}

function run(command: string, ...args: readonly string[]): Ran {
  return runCommand('guestctl', [command, image, ...args, '--output', 'json']);
}

function entriesOf({ stdout }: Ran): readonly Entry[] {
  return JSON.parse(stdout);
}

function many(): readonly string[] {
  return Array.from({ length: MANY }, (_, number) => `many/${String(number).padStart(2, '0')}`);
}

function debugfs(...commands: readonly string[]): string {
  const script = path.join(folder, 'commands');
  writeFileSync(script, commands.map((command) => `${command}\n`).join(''));
  const env = { ...process.env, PATH };
  return spawnSync('debugfs', ['-w', '-f', script, image], { encoding: 'utf8', env }).stdout;
}

function blockOf(file: string): number {
  return BLOCK_BYTES * Number(/^(\d+)/m.exec(debugfs(`blocks ${file}`))?.[1]);
}

function inodeAt(file: string): number {
  const [, block, offset] = /located at block (\d+), offset (0x[0-9a-f]+)/.exec(debugfs(`imap ${file}`)) ?? [];
  return BLOCK_BYTES * Number(block) + Number(offset);
}

/** Turns the bits of one byte, which no checksum forgives. */
function damage(offset: number): void {
  const bytes = readFileSync(image);
  bytes.writeUInt8(bytes.readUInt8(offset) ^ 0xff, offset);
  writeFileSync(image, bytes);
}
