import { DiskError } from '@guestkit/disk';
import { describe, expect, test } from 'vitest';
import { memoryDisk } from '../testing/memory-disk.ts';
import type { MemoryFiles } from '../testing/memory-tree.ts';
import { assembleRoot } from './assemble.ts';

const OLD = `${'a'.repeat(64)}.0`;
const NEW = `${'b'.repeat(64)}.0`;
const DEPLOY = '/ostree/deploy/fedora-coreos';

function deployment(name: string, version: number): MemoryFiles {
  const base = `${DEPLOY}/deploy/${name}`;
  return {
    [`${base}/etc/os-release`]: { link: '../usr/lib/os-release' },
    [`${base}/usr/lib/os-release`]: `ID=fedora\nVERSION_ID=${version}\n`,
    [`${base}/usr/bin/sh`]: 'x',
    [`${base}/etc/passwd`]: '',
    [`${base}/bin`]: { link: 'usr/bin' },
    [`${base}/home`]: { link: 'var/home' },
    [`${base}/var`]: { directory: true },
    [`${base}/sysroot`]: { directory: true },
    [`${base}/boot`]: { directory: true },
  };
}

function bootEntry(version: number, link: string): string {
  return `title Fedora\nversion ${version}\noptions rw ostree=/ostree/boot.1/fedora-coreos/${link}/0 quiet\n`;
}

const SYSROOT: MemoryFiles = {
  ...deployment(OLD, 40),
  ...deployment(NEW, 41),
  [`${DEPLOY}/var/home/core/notes`]: 'x',
  '/ostree/boot.1/fedora-coreos/c0/0': { link: `../../../deploy/fedora-coreos/deploy/${OLD}` },
  '/ostree/boot.1/fedora-coreos/c1/0': { link: `../../../deploy/fedora-coreos/deploy/${NEW}` },
};

function boot(entries: Readonly<Record<string, string>>): MemoryFiles {
  return Object.fromEntries(Object.entries(entries).map(([name, text]) => [`/loader/entries/${name}.conf`, text]));
}

describe('a guest of ostree deployments', () => {
  test.each([
    ['the entry with the highest version', { 'ostree-1': bootEntry(1, 'c0'), 'ostree-2': bootEntry(2, 'c1') }, '41'],
    ['whatever its name', { 'ostree-1': bootEntry(2, 'c0'), 'ostree-2': bootEntry(1, 'c1') }, '40'],
  ])('is the deployment that boots: %s', (_, entries, version) => {
    const [guest, ...others] = assembleRoot(memoryDisk([{ files: boot(entries) }, { files: SYSROOT, type: 'xfs' }]));
    expect(guest?.tree.readText('/etc/os-release')).toContain(`VERSION_ID=${version}\n`);
    expect(others).toEqual([]);
  });

  test('has the shared /var, and the whole filesystem below /sysroot', () => {
    const [guest] = assembleRoot(memoryDisk([{ files: SYSROOT }]));
    expect(guest?.tree.readText('/home/core/notes')).toBe('x');
    expect(guest?.tree.exists('/sysroot/ostree/deploy')).toBe(true);
    expect(guest?.mounts.map(({ path }) => path)).toEqual(['/', '/sysroot', '/var']);
  });

  test.each([
    ['a guest of deployments', SYSROOT],
    ['any other guest', { '/etc/os-release': 'ID=debian\n', '/etc/passwd': '', '/usr/bin/sh': 'x' }],
  ])('%s is found though a boot entry cannot be read', (_, files) => {
    const damaged = { '/loader/entries/odd.conf': { error: new DiskError('corrupt', 'Cannot read cluster 7') } };
    const found = assembleRoot(memoryDisk([{ files: damaged }, { files }]));
    expect(found.map(({ device }) => device)).toEqual(['/dev/sda2']);
  });

  test('is not what a boot entry of something else names', () => {
    const entries = { odd: bootEntry(9, '../../../../etc') };
    const [guest] = assembleRoot(memoryDisk([{ files: boot(entries) }, { files: SYSROOT }]));
    expect(guest?.tree.exists('/etc/passwd')).toBe(true);
  });
});
