import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EXIT_CODES } from '../exit-code.ts';
import { runCommand, runForJson } from '../testing/run-command.ts';

const MIB = 2 ** 20;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'guestctl-compressed-'));
  mkdirSync(at('staging'));
  writeFileSync(at('disk.raw'), '');
  truncateSync(at('disk.raw'), 16 * MIB);
  tool('mke2fs', ['-q', '-F', '-t', 'ext4', '-L', 'packed', at('disk.raw')]);
  tool('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', 'disk.raw', '-F', 'raw', at('overlay.qcow2')]);
  writeFileSync(at('disk.raw.gz'), gzipSync(readFileSync(at('disk.raw'))));
  writeFileSync(at('overlay.qcow2.zst'), zstdCompressSync(readFileSync(at('overlay.qcow2'))));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('guestctl reads a compressed image', () => {
  test('unpacked by its content, and leaves nothing behind', () => {
    for (const claim of [[], ['--format', 'gz'], ['--format', 'raw.gz']]) {
      const args = ['filesystems', at('disk.raw.gz'), '--staging-dir', at('staging'), ...claim];
      expect(runForJson('guestctl', args)).toMatchObject({
        ...{ format: 'raw', virtual_size: 16 * MIB, filesystems: [{ type: 'ext4', label: 'packed' }] },
      });
    }
    expect(readdirSync(at('staging'))).toEqual([]);
  });

  test('that names a file beside it', () => {
    expect(runForJson('guestctl', ['filesystems', at('overlay.qcow2.zst')])).toMatchObject({
      ...{ format: 'qcow2', filesystems: [{ type: 'ext4', label: 'packed' }] },
    });
  });

  test.each([
    ['not as the raw disk that it is said to be', ['disk.raw.gz', '--format', 'raw'], 'mismatch'],
    ['not as what it does not hold', ['disk.raw.gz', '--format', 'qcow2.gz'], 'mismatch'],
    ['not beyond the limit', ['disk.raw.gz', '--staging-limit', '4096'], 'unsupported'],
  ] as const)('%s', (_, [image, ...args], ending) => {
    expect(runCommand('guestctl', ['info', at(image), ...args]).code).toBe(EXIT_CODES[ending]);
  });
});

function at(name: string): string {
  return path.join(folder, name);
}

function tool(command: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, {
    ...{ cwd: folder, encoding: 'utf8', env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` } },
  });
  if (status !== 0) throw new Error(`${command} failed: ${stderr}`);
}
