// A real Debian 12 of some 600 packages on a GPT qcow2, made by debootstrap and apt: the disk that `npm run bench:inspect` measures on.
// Needs root, on Debian or Ubuntu, and takes some minutes the first time; the disk is kept in `.guestkit/bench`.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DISK_IDS, makeSystemDisk } from '../system-disk.ts';

const SYSTEM = ['systemd', 'systemd-sysv', 'udev', 'dbus', 'ca-certificates'];
/** Servers, tools and languages of an ordinary machine: with what they need, a little over 600 packages. */
const PACKAGES = [
  ...[
    'linux-image-cloud-amd64',
    'grub-efi-amd64',
    'openssh-server',
    'cloud-init',
    'qemu-guest-agent',
    'ufw',
    'apparmor',
    'auditd',
  ],
  ...[
    'build-essential',
    'git',
    'cmake',
    'gdb',
    'golang-go',
    'nodejs',
    'python3-dev',
    'python3-numpy',
    'ruby-full',
    'php-cli',
    'php-fpm',
  ],
  ...['nginx', 'postgresql', 'mariadb-server', 'redis-server', 'rsyslog', 'cron', 'vim'],
  ...['imagemagick', 'ffmpeg', 'gnuplot-nox', 'ghostscript', 'texlive-base'],
];

/** Makes the disk unless it is there, and returns its path. */
export function debianDisk(): string {
  const file = path.join(import.meta.dirname, '../../.guestkit/bench/debian-12.qcow2');
  if (!existsSync(file)) makeDebianDisk(file);
  return file;
}

function makeDebianDisk(file: string): void {
  if (process.getuid?.() !== 0) throw new Error('Cannot make the Debian disk: not root, root expected (debootstrap)');
  const folder = mkdtempSync(path.join(tmpdir(), 'guestkit-debian-'));
  try {
    run('debootstrap', ['--variant=minbase', `--include=${SYSTEM.join(',')}`, 'bookworm', folder, mirror()]);
    installPackages(folder);
    const fstab = [
      `UUID=${DISK_IDS.rootUuid} / ext4 errors=remount-ro 0 1`,
      `UUID=${DISK_IDS.espId} /boot/efi vfat umask=0077 0 1`,
    ];
    writeFileSync(path.join(folder, 'etc/fstab'), `${fstab.join('\n')}\n`);
    writeFileSync(path.join(folder, 'etc/hostname'), 'bench\n');
    mkdirSync(path.dirname(file), { recursive: true });
    makeSystemDisk({ file, rootFolder: folder, efiFolder: path.join(folder, 'boot/grub'), format: 'qcow2' });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function installPackages(folder: string): void {
  // services must not start on the machine that only builds a disk
  const policy = path.join(folder, 'usr/sbin/policy-rc.d');
  writeFileSync(policy, '#!/bin/sh\nexit 101\n');
  chmodSync(policy, 0o755);
  run('chroot', [folder, 'apt-get', '-qq', 'update']);
  run('chroot', [
    folder,
    'env',
    'DEBIAN_FRONTEND=noninteractive',
    'apt-get',
    '-qq',
    '-y',
    '--no-install-recommends',
    'install',
    ...PACKAGES,
  ]);
  run('chroot', [folder, 'apt-get', 'clean']);
  rmSync(policy);
}

/** The mirror that this machine itself installs from. */
function mirror(): string {
  const targets = run('apt-get', ['indextargets', '--format', '$(SITE) $(RELEASE)']).split('\n');
  const site = targets.map((line) => line.split(' ')).find(([, release]) => release === 'bookworm')?.[0];
  if (site === undefined) throw new Error('Cannot make the Debian disk: apt names no mirror for Debian 12');
  return site;
}

function run(command: string, args: readonly string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 2 ** 28 });
}
