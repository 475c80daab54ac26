import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { Compression } from '@guestkit/disk';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type StagingOptions, stageImage } from './stage.ts';

const MIB = 2 ** 20;
const hasXz = spawnSync('xz', ['--version']).status === 0;
/** A full filesystem needs the right to mount one, which not even root has in every container. */
const mayMount = spawnSync('unshare', ['--mount', 'true']).status === 0;
if (!hasXz) console.warn('Skipping tests of staging: xz is absent');
if (!mayMount) console.warn('Skipping tests of staging: nothing may be mounted here');

const HEAD = Buffer.concat([Buffer.alloc(MIB), readFileSync(process.execPath).subarray(0, MIB / 2 + 7)]);
const TAIL = Buffer.concat([Buffer.alloc(MIB, 'x'), Buffer.alloc(MIB)]);
const CONTENT = Buffer.concat([HEAD, TAIL]);
const PACK: Readonly<Record<Compression, (content: Buffer) => Buffer>> = {
  gzip: (content) => gzipSync(content),
  zstd: (content) => zstdCompressSync(content),
  xz: (content) => execFileSync('xz', ['-c', '-1'], { input: content, maxBuffer: 2 ** 28 }),
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'guestkit-staging-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(['gzip', 'zstd', 'xz'] as const)('stageImage with %s', (compression) => {
  test.skipIf(compression === 'xz' && !hasXz)('unpacks all members of it, and stores no zeros', async () => {
    using staged = await stage(Buffer.concat([HEAD, TAIL].map(PACK[compression])), compression);
    const unpacked = Buffer.alloc(CONTENT.length);
    expect(readSync(staged.fd, unpacked, 0, unpacked.length, 0)).toBe(unpacked.length);
    expect(unpacked.equals(CONTENT)).toBe(true);
    expect(staged.sizeBytes).toBe(CONTENT.length);
    expect(staged.storedBytes).toBeLessThan(2 * MIB);
    expect(readdirSync(path.join(folder, 'scratch'))).toEqual([]);
  });

  test.skipIf(compression === 'xz' && !hasXz)('refuses what is cut', async () => {
    const packed = PACK[compression](CONTENT);
    const cut = packed.subarray(0, packed.length - 20);
    await expect(stage(cut, compression)).rejects.toMatchObject({ name: 'DiskError', kind: 'corrupt' });
  });
});

describe('stageImage refuses', () => {
  test('more data than the limit', async () => {
    const refusal = { kind: 'unsupported', message: expect.stringContaining('1048576 bytes of data') };
    await expect(stage(gzipSync(CONTENT), 'gzip', { limitBytes: MIB })).rejects.toMatchObject(refusal);
  });

  test('zeros out of proportion to the file', async () => {
    const bomb = zstdCompressSync(Buffer.alloc(64 * MIB));
    // frames follow one another: a small file for a large disk
    const refusal = { kind: 'unsupported', message: expect.stringContaining('out of proportion') };
    await expect(stage(Buffer.concat(Array(17).fill(bomb)), 'zstd')).rejects.toMatchObject(refusal);
  });

  test('what is another compression or another format, too', async () => {
    await expect(stage(gzipSync(CONTENT), 'xz')).rejects.toMatchObject({ kind: 'mismatch' });
    const footer = Buffer.alloc(512);
    footer.write('koly');
    const both = Buffer.concat([gzipSync(CONTENT), footer]);
    await expect(stage(both, 'gzip')).rejects.toMatchObject({
      kind: 'corrupt',
      message: expect.stringContaining('dmg and gzip'),
    });
  });

  test('a process that dies without a word', async () => {
    const command = [process.execPath, '-e', 'process.kill(process.pid, "SIGKILL")'];
    await expect(stage(gzipSync(CONTENT), 'gzip', { command })).rejects.toMatchObject({ kind: 'corrupt' });
  });

  test.skipIf(!mayMount)('a full disk, and leaves nothing on it', async () => {
    const full = mkdtempSync(path.join(folder, 'full-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', full]);
    onTestFinished(() => void execFileSync('umount', [full]));
    const failing = stage(gzipSync(CONTENT), 'gzip', { folder: full });
    await expect(failing).rejects.toMatchObject({ kind: 'io', cause: { code: 'ENOSPC' } });
    expect(readdirSync(full)).toEqual([]);
  });
});

test('stageImage stops with its signal', async () => {
  const stop = new AbortController();
  const command = [process.execPath, '-e', 'setInterval(() => fs.writeSync(3, "x"), 10)'];
  const staging = stage(gzipSync(CONTENT), 'gzip', { command, signal: stop.signal, onPiece: () => stop.abort() });
  await expect(staging).rejects.toMatchObject({ name: 'AbortError' });
});

test('the process that unpacks has no rights', async () => {
  const probe = `
    const { permission } = process;
    permission.drop('fs');
    const left = ['fs.read', 'fs.write', 'net', 'child', 'worker', 'addon', 'wasi'].filter((scope) => permission.has(scope));
    process.stdout.write(JSON.stringify(left));`;
  const { unpackCommand } = await import('./command.ts');
  const flags = unpackCommand().filter((argument) => argument.startsWith('--'));
  expect(execFileSync(process.execPath, [...flags, '-e', probe]).toString()).toBe('[]');
});

function stage(packed: Buffer, compression: Compression, options: Partial<StagingOptions> = {}) {
  const file = path.join(folder, 'packed');
  writeFileSync(file, packed);
  const fd = openSync(file, 'r');
  return stageImage(fd, compression, { folder: path.join(folder, 'scratch'), limitBytes: 2 ** 30, ...options }).finally(
    () => closeSync(fd),
  );
}
