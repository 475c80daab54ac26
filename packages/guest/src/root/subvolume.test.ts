import { describe, expect, test } from 'vitest';
import { memoryDisk } from '../testing/memory-disk.ts';
import type { MemoryFiles } from '../testing/memory-tree.ts';
import { assembleRoot } from './assemble.ts';

function root(fstab: string, id = 'ubuntu'): MemoryFiles {
  return { '/etc/os-release': `ID=${id}\n`, '/etc/fstab': fstab, '/usr/bin/sh': 'x', '/home': { directory: true } };
}

function guests(subvolumes: Readonly<Record<string, MemoryFiles>>, files: MemoryFiles = {}) {
  return assembleRoot(memoryDisk([{ files, subvolumes, type: 'btrfs', uuid: 'b' }]));
}

describe('a guest on btrfs', () => {
  test('is found in a subvolume, and its other subvolumes are mounted by path', () => {
    const fstab = 'UUID=b / btrfs subvol=@\nUUID=b /home btrfs noatime,subvol=/@home\n';
    const [guest, ...others] = guests({ '@': root(fstab), '@home': { '/ada/notes': 'x' } });
    expect(guest?.mounts.map(({ path, device }) => `${path} ${device}`)).toEqual([
      '/ btrfsvol:/dev/sda1/@',
      '/home btrfsvol:/dev/sda1/@home',
    ]);
    expect(guest?.tree.readText('/home/ada/notes')).toBe('x');
    expect(guest?.warnings).toEqual([]);
    expect(others).toEqual([]);
  });

  test('is not found again in the snapshots of its root', () => {
    const files = root('UUID=b / btrfs subvol=@\n');
    const found = guests({ '@snapshots/1/snapshot': files, '@': files, '@snapshots/2/snapshot': files });
    expect(found.map(({ device }) => device)).toEqual(['btrfsvol:/dev/sda1/@']);
  });

  test('is the default subvolume where that is a root', () => {
    const snapshot = root('UUID=b / btrfs defaults\n');
    const found = guests({ '@/.snapshots/1/snapshot': snapshot }, root('UUID=b / btrfs defaults\n', 'opensuse'));
    expect(found.map(({ device }) => device)).toEqual(['/dev/sda1']);
  });

  test('stands beside another in a subvolume of its own', () => {
    const found = guests({
      debian: root('UUID=b / btrfs subvol=debian\n', 'debian'),
      arch: root('UUID=b / btrfs subvol=arch\n', 'arch'),
    });
    expect(found.map(({ tree }) => tree.readText('/etc/os-release')).sort()).toEqual(['ID=arch\n', 'ID=debian\n']);
  });

  test('mounts by number, and says which subvolume is missing', () => {
    const fstab = 'UUID=b / btrfs subvol=@\nUUID=b /home btrfs subvolid=257\nUUID=b /srv btrfs subvol=@srv\n';
    const [guest] = guests({ '@': root(fstab), '@home': { '/ada/notes': 'x' } });
    expect(guest?.tree.exists('/home/ada/notes')).toBe(true);
    expect(guest?.warnings).toEqual(["Cannot mount '/srv': '/dev/sda1' has no subvolume '@srv'"]);
  });
});
