import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { denyReferences, MemorySource, openDisk } from '@guestkit/disk';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assembleRoot } from './assemble.ts';

const MIB = 2 ** 20;
const TOOLS = ['mke2fs', 'mkfs.vfat', 'mcopy', 'sfdisk'];
const TABLE = 'label: gpt\nstart=2048, size=4096, type=uefi\nstart=6144, size=8192, type=linux\n';

describe.skipIf(!TOOLS.every(isInstalled))('the EFI system partition of a real disk', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-efi-'));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test.each([
    ['by fstab', 'UUID=7A3C-19E4 /boot/efi vfat umask=0077 0 1\n'],
    ['by its type, where fstab is silent', ''],
  ])('is mounted %s, with all that is in it', (_, fstab) => {
    const disk = openDisk(new MemorySource(makeDisk(fstab)), { references: denyReferences });
    const [guest] = assembleRoot(disk);
    expect(guest?.mounts.map(({ path, device }) => `${path} ${device}`)).toEqual([
      '/ /dev/sda2',
      '/boot/efi /dev/sda1',
    ]);
    expect(guest?.warnings).toEqual([]);
    expect(guest?.tree.readText('/boot/efi/EFI/debian/grub.cfg')).toBe('search.fs_uuid\n');
    // firmware and guests spell it in capitals
    expect(guest?.tree.exists('/boot/efi/efi/DEBIAN/GRUB.CFG')).toBe(true);
  });

  function makeDisk(fstab: string): Uint8Array {
    const scratch = mkdtempSync(path.join(folder, 'disk-'));
    const at = (name: string) => path.join(scratch, name);
    makeTree(at('root'), {
      'etc/os-release': 'ID=debian\n',
      'etc/fstab': fstab,
      'usr/bin/sh': 'x',
    });
    mkdirSync(at('root/boot/efi'), { recursive: true });
    makeTree(at('esp'), { 'EFI/debian/grub.cfg': 'search.fs_uuid\n' });
    run('mke2fs', '-q', '-t', 'ext4', '-d', at('root'), at('root.img'), '4M');
    emptyFile(at('esp.img'), 2 * MIB);
    run('mkfs.vfat', '-n', 'ESP', '-i', '7a3c19e4', at('esp.img'));
    run('mcopy', '-s', '-i', at('esp.img'), at('esp/EFI'), '::/');
    emptyFile(at('disk.img'), 8 * MIB);
    execFileSync('sfdisk', ['-q', at('disk.img')], { input: TABLE, stdio: 'pipe' });
    const disk = readFileSync(at('disk.img'));
    readFileSync(at('esp.img')).copy(disk, MIB);
    readFileSync(at('root.img')).copy(disk, 3 * MIB);
    return disk;
  }
});

function isInstalled(tool: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0;
}

function makeTree(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
}

function emptyFile(file: string, sizeBytes: number): void {
  writeFileSync(file, '');
  truncateSync(file, sizeBytes);
}

function run(tool: string, ...args: readonly string[]): void {
  execFileSync(tool, args, { stdio: 'pipe', env: { ...process.env, LC_ALL: 'C.UTF-8' } });
}
