import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand } from '../testing/run-command.ts';

const hasTools = ['xorriso', 'mkfs.vfat'].every((tool) => spawnSync(tool, ['--help']).error === undefined);

describe.skipIf(!hasTools)('a disc with a partition table', () => {
  let folder: string;
  let image: string;

  beforeAll(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'guestctl-hybrid-'));
    image = path.join(folder, 'hybrid.iso');
    const from = path.join(folder, 'from');
    const efi = path.join(folder, 'efi.img');
    mkdirSync(from);
    writeFileSync(path.join(from, 'on-the-disc'), 'text');
    execFileSync('mkfs.vfat', ['-C', efi, '1440'], { stdio: 'pipe' });
    const args = ['-as', 'mkisofs', '-quiet', '-append_partition', '2', '0xef', efi, '-o', image, from];
    execFileSync('xorriso', args, { stdio: 'pipe' });
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('shows the files of the disc', () => {
    const { stdout } = runCommand('guestctl', ['ls', image]);
    expect(stdout).toContain('/on-the-disc');
  });

  test('is the whole disk, before its partitions', () => {
    const { stdout } = runCommand('guestctl', ['filesystems', image]);
    expect(stdout).toMatch(/\/dev\/sda +iso9660[\s\S]*\/dev\/sda2 +vfat/);
  });
});
