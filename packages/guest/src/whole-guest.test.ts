import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { arch, tmpdir } from 'node:os';
import { join } from 'node:path';
import { CachedSource, denyReferences, FileSource, openDisk } from '@guestkit/disk';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEFAULT_INSPECT_OPTIONS, type InspectDocument } from './document.ts';
import { inspectDisk } from './inspect.ts';
import { corpusFile, untar } from './testing/corpus.ts';
import { copyHostFolders } from './testing/host-folder.ts';

// A real ext4 filesystem of this machine's own files, and what the real tools say about the same files.

const UUID = '11111111-2222-4333-8444-555555555555';
const HOST_PATHS = [
  '/etc/os-release',
  '/etc/passwd',
  '/etc/group',
  '/etc/hosts',
  '/etc/systemd/system',
  '/usr/lib/os-release',
  '/usr/lib/systemd',
  '/usr/bin/dash',
  '/var/lib/dpkg/status',
];
const TOOLS = ['mke2fs', 'debugfs', 'dpkg-query', 'systemctl'];

function hasTool(name: string): boolean {
  return ['/usr/sbin', '/sbin', '/usr/bin', '/bin'].some((folder) => existsSync(`${folder}/${name}`));
}

function tool(name: string, ...args: string[]): string {
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin`, LC_ALL: 'C' };
  return execFileSync(name, args, { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 2 ** 28 });
}

const scratch = mkdtempSync(join(tmpdir(), 'guestkit-whole-guest-'));
const root = join(scratch, 'root');
const image = join(scratch, 'root.img');

function makeImage(): void {
  copyHostFolders(
    HOST_PATHS.filter((path) => existsSync(path)),
    root,
  );
  mkdirSync(join(root, 'boot'));
  writeFileSync(join(root, 'boot/vmlinuz-6.1.0-9-amd64'), 'kernel');
  writeFileSync(join(root, 'etc/fstab'), `UUID=${UUID} / ext4 defaults 0 1\nUUID=gone /srv ext4 defaults 0 2\n`);
  writeFileSync(join(root, 'etc/hostname'), 'host.example.org\n');
  symlinkSync('usr/bin', join(root, 'bin'));
  symlinkSync('dash', join(root, 'usr/bin/sh'));
  tool('mke2fs', '-q', '-t', 'ext4', '-U', UUID, '-L', 'root', '-d', root, image, '96M');
}

function inspectImage(path: string): InspectDocument {
  using source = FileSource.open(path);
  const disk = openDisk(new CachedSource(source), { claimedFormat: 'raw', references: denyReferences });
  return inspectDisk(disk, DEFAULT_INSPECT_OPTIONS);
}

afterAll(() => rmSync(scratch, { recursive: true }));

describe.skipIf(!TOOLS.every(hasTool))('inspectDisk on an ext4 filesystem of this machine', () => {
  let document: InspectDocument;

  beforeAll(() => {
    makeImage();
    document = inspectImage(image);
  });

  test('identifies the system as its own os-release does', () => {
    const id = /^ID="?([^"\n]+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
    expect(document.operating_system).toMatchObject({
      type: 'linux',
      id,
      hostname: 'host.example.org',
      arch: { x64: 'x86_64', arm64: 'aarch64' }[arch() as string] ?? arch(),
      root: '/dev/sda',
    });
  });

  test('lists the packages that dpkg-query lists', () => {
    const fields = ['binary:Package', 'Version', 'Architecture', 'source:Package', 'db:Status-Status'];
    const format = `${fields.map((field) => `\${${field}}`).join(' ')}\\n`;
    const told = tool('dpkg-query', `--admindir=${root}/var/lib/dpkg`, '-W', '-f', format).trim().split('\n');
    const expected = told
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.replace(/^([^ :]+)\S*/, '$1'));
    const { packages } = document;
    expect(packages?.status).toBe('ok');
    const ours = packages?.installed?.map(({ name, version, architecture, source, status }) =>
      [name, version, architecture, source, status].join(' '),
    );
    expect(ours?.sort()).toEqual(expected.sort());
    expect(packages?.count).toBe(expected.length);
  });

  test('finds the units in the states that systemctl finds them in', () => {
    const told = tool(
      'systemctl',
      `--root=${root}`,
      'list-unit-files',
      '--no-legend',
      '--no-pager',
      '--plain',
      '--full',
    );
    const expected = told
      .trim()
      .split('\n')
      .map((line) => line.split(/\s+/).slice(0, 2).join(' '));
    const ours = document.systemd_units?.unit_files?.map(({ name, state }) => `${name} ${state}`);
    expect(ours?.sort()).toEqual(expected.sort());
  });

  test('lists the accounts of passwd as debugfs reads it', () => {
    const passwd = tool('debugfs', '-R', 'cat /etc/passwd', image).trim().split('\n');
    const ours = document.users?.accounts?.map(({ name, uid, gid, home, shell }) =>
      [name, uid, gid, home, shell].join(':'),
    );
    expect(ours).toEqual(
      passwd
        .map((line) => line.split(':'))
        .map(([name, , uid, gid, , home, shell]) => [name, uid, gid, home, shell].join(':')),
    );
  });

  test('describes the volume as it was made, and what of fstab is missing', () => {
    expect(document.storage).toMatchObject({
      status: 'ok',
      partitions: [{ device: '/dev/sda', fstype: 'ext4', uuid: UUID, label: 'root', mountpoint: '/' }],
      fstab: [
        { mountpoint: '/', device: '/dev/sda' },
        { mountpoint: '/srv', device: null },
      ],
    });
    expect(document.warnings).toContain("Cannot mount '/srv': No volume of this image has the UUID 'gone'");
    expect(document.kernels).toMatchObject({ count: 1, default: '6.1.0-9-amd64' });
  });
});

/** An ext4 filesystem of the content of a tar. */
function imageOfTar(archive: string): string {
  const folder = untar(archive);
  const path = join(scratch, `${folder.split('/').at(-1)}.img`);
  tool('mke2fs', '-q', '-t', 'ext4', '-d', folder, path, '64M');
  rmSync(folder, { recursive: true });
  return path;
}

describe.skipIf(!hasTool('mke2fs'))('inspectDisk on real root filesystems', () => {
  const alpine = corpusFile('os-images/docker-alpine/alpine-minirootfs-3.20.3-x86_64.tar.gz');
  test.skipIf(!alpine)('knows Alpine 3.20', () => {
    const document = inspectImage(imageOfTar(alpine ?? ''));
    expect(document.operating_system).toMatchObject({
      distribution: 'alpinelinux',
      version: '3.20',
      version_id: '3.20.3',
      arch: 'x86_64',
      hostname: 'localhost',
      package_format: 'apk',
    });
    expect(document.packages).toMatchObject({ status: 'ok', manager: 'apk', count: 14 });
    expect(document.users?.accounts?.find(({ name }) => name === 'root')).toMatchObject({
      login: true,
      password: 'disabled',
    });
    // the minimal root carries no init scripts
    expect(document.services).toMatchObject({ status: 'absent' });
    expect(document.systemd_units).toMatchObject({ status: 'absent' });
  });

  const busybox = corpusFile('os-images/busybox/busybox-glibc-amd64-rootfs.tar.gz');
  test.skipIf(!busybox)('finds in a busybox root a Linux that names itself nowhere', () => {
    const document = inspectImage(imageOfTar(busybox ?? ''));
    expect(document.operating_system).toMatchObject({
      type: 'linux',
      distribution: 'unknown',
      arch: 'x86_64',
      version: null,
    });
    expect(document.packages).toMatchObject({ status: 'absent' });
    expect(document.packages).not.toHaveProperty('packages');
  });
});
