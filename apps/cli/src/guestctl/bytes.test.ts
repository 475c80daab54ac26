import { execFile, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commandFile, runCommand, runForJson } from '../testing/run-command.ts';

const MIB = 2 ** 20;

let folder: string;
const file = (name: string) => path.join(folder, name);
const img = (...args: readonly string[]) => execFileSync('qemu-img', args, { cwd: folder, encoding: 'utf8' });
const io = (image: string, ...commands: readonly string[]) =>
  execFileSync('qemu-io', ['-f', 'qcow2', ...commands.flatMap((command) => ['-c', command]), image], { cwd: folder });

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'guestctl-bytes-'));
  img('create', '-q', '-f', 'qcow2', 'base.qcow2', '8M');
  io('base.qcow2', 'write -P 1 0 1M', 'write -z 2M 1M');
  img('create', '-q', '-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', 'disk.qcow2');
  img('snapshot', '-c', 'before', 'disk.qcow2');
  io('disk.qcow2', 'write -P 2 512k 64k', 'write -P 3 7M 64k');
});

afterAll(() => rmSync(folder, { recursive: true }));

function sha256Of(image: string): string {
  img('convert', '-f', 'qcow2', '-O', 'raw', image, 'answer.raw');
  return createHash('sha256')
    .update(readFileSync(file('answer.raw')))
    .digest('hex');
}

describe('guestctl map', () => {
  test('agrees with qemu-img map', () => {
    const joined = (entries: readonly QemuExtent[]) =>
      entries.map(({ start, present, zero, data }) => ({ start, present, zero, data })).filter(differsFromLast);
    const answer = JSON.parse(img('map', '-f', 'qcow2', '--output=json', 'disk.qcow2'));
    expect(joined(runForJson('guestctl', ['map', file('disk.qcow2')]))).toEqual(joined(answer));
  });

  test('prints a table with totals', () => {
    const { stdout } = runCommand('guestctl', ['map', file('disk.qcow2')]);
    expect(stdout).toMatch(/^ +0 +1048576 {2}data$/m);
    expect(stdout).toMatch(/\ndata 1\.1 MiB, zero 1 MiB, absent 5\.9 MiB\n$/);
  });
});

interface QemuExtent {
  readonly start: number;
  readonly present: boolean;
  readonly zero: boolean;
  readonly data: boolean;
}

function differsFromLast(entry: QemuExtent, index: number, all: readonly QemuExtent[]): boolean {
  const last = all[index - 1];
  return last?.present !== entry.present || last.zero !== entry.zero || last.data !== entry.data;
}

describe('guestctl checksum', () => {
  test('is that of the disk as qemu-img converts it, holes unread', () => {
    expect(runForJson('guestctl', ['checksum', file('disk.qcow2')])).toMatchObject({
      size: 8 * MIB,
      bytes_read: MIB + 64 * 1024,
      sha256: sha256Of('disk.qcow2'),
    });
  });

  test('of a snapshot is that of the disk as it was then', () => {
    const { stdout } = runCommand('guestctl', ['checksum', file('disk.qcow2'), '--snapshot', 'before']);
    expect(stdout).toBe(`${sha256Of('base.qcow2')}  ${file('disk.qcow2')}\n`);
  });

  test.each([
    ['a volume that is not there', ['--device', '/dev/sda9'], 3, /Cannot find "\/dev\/sda9"/],
    ['a snapshot that is not there', ['--snapshot', 'after'], 3, /the image has 1: "before"/],
    ['a second disk where there is one', ['--disk', '2'], 3, /it is one disk \(qcow2\)/],
  ])('refuses %s', (_, options, code, message) => {
    const ran = runCommand('guestctl', ['checksum', file('disk.qcow2'), ...options]);
    expect(ran).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(message) });
  });
});

describe('guestctl info', () => {
  test('--chain tells every file, and what it refers to', () => {
    expect(runForJson('guestctl', ['info', '--chain', file('disk.qcow2')]).files).toMatchObject([
      { name: file('disk.qcow2'), depth: 0, format: 'qcow2', virtual_size: 8 * MIB, references: ['base.qcow2'] },
      { name: 'base.qcow2', depth: 1, format: 'qcow2', virtual_size: 8 * MIB, references: [] },
    ]);
    const { stdout } = runCommand('guestctl', ['info', '--chain', file('disk.qcow2')]);
    expect(stdout).toMatch(/^snapshots:\nID +NAME .*\n1 +before /m);
    expect(stdout).toMatch(/^ {2}base\.qcow2 +qcow2 +8 MiB/m);
  });

  test('tells that nobody seems to have an image open', () => {
    expect(runForJson('guestctl', ['info', file('disk.qcow2')]).in_use).toEqual([]);
  });

  test('tells of a folder of locks beside an image', () => {
    mkdirSync(file('disk.qcow2.lck'));
    expect(runForJson('guestctl', ['info', file('disk.qcow2')]).in_use).toEqual([
      'there is "disk.qcow2.lck" beside it, as VMware makes it',
    ]);
    expect(runCommand('guestctl', ['map', file('disk.qcow2')])).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('note: the image may be in use'),
    });
    rmSync(file('disk.qcow2.lck'), { recursive: true });
  });

  test.skipIf(process.platform !== 'linux')('tells of a qemu that writes to an image', async () => {
    img('create', '-q', '-f', 'qcow2', 'open.qcow2', '1M');
    const qemu = spawn('qemu-io', ['-f', 'qcow2', file('open.qcow2')], { stdio: ['pipe', 'pipe', 'ignore'] });
    // the prompt comes once the image is open
    await once(qemu.stdout, 'data');
    expect(runForJson('guestctl', ['info', file('open.qcow2')]).in_use).toEqual([
      'qemu has "open.qcow2" open for writing',
    ]);
    qemu.stdin.end('quit\n');
    await once(qemu, 'close');
  });
});

describe('guestctl serve', () => {
  test('offers the disk until it is told to stop, and leaves nothing behind', async () => {
    const socket = file('disk.sock');
    const server = spawn(process.execPath, [commandFile('guestctl'), 'serve', file('disk.qcow2'), '--socket', socket]);
    const [uri] = await once(server.stdout, 'data');
    expect(String(uri)).toBe(`nbd+unix:///?socket=${socket}\n`);
    const compared = await promisify(execFile)(
      'qemu-img',
      ['compare', '-f', 'raw', '-F', 'qcow2', String(uri).trim(), 'disk.qcow2'],
      { cwd: folder },
    );
    expect(compared.stdout).toContain('identical');
    server.kill('SIGTERM');
    const [code] = await once(server, 'close');
    expect(code).toBe(0);
    expect(existsSync(socket)).toBe(false);
  });

  test('does not vouch for an image that was written to meanwhile', async () => {
    img('create', '-q', '-f', 'qcow2', 'changing.qcow2', '1M');
    const socket = file('changing.sock');
    const args = ['serve', file('changing.qcow2'), '--socket', socket];
    const server = spawn(process.execPath, [commandFile('guestctl'), ...args]);
    await once(server.stdout, 'data');
    io('changing.qcow2', 'write -P 1 0 64k');
    server.kill('SIGINT');
    const [code] = await once(server, 'close');
    expect(code).toBe(8);
  });

  test('refuses a socket that is there', () => {
    const ran = runCommand('guestctl', ['serve', file('disk.qcow2'), '--socket', file('base.qcow2')]);
    expect(ran).toMatchObject({ code: 8, stderr: expect.stringContaining('there is a file already') });
  });
});
