import { spawnSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  type Stats,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** Facts about the host's software, taken as they are. Nothing here may hold a secret: no keys, no network profiles, no logs. */
const COPIED = [
  '/etc/os-release',
  '/etc/debian_version',
  '/etc/lsb-release',
  '/etc/redhat-release',
  '/etc/alpine-release',
  '/etc/arch-release',
  '/etc/hosts',
  '/etc/localtime',
  '/etc/timezone',
  '/etc/locale.conf',
  '/etc/login.defs',
  '/etc/nsswitch.conf',
  '/etc/shells',
  '/etc/selinux/config',
  '/etc/ssh/sshd_config',
  '/etc/ssh/sshd_config.d',
  '/var/lib/dpkg/status',
  '/var/lib/dpkg/arch',
  '/var/lib/apt/extended_states',
  '/var/lib/rpm/rpmdb.sqlite',
  '/usr/lib/sysimage/rpm/rpmdb.sqlite',
  '/lib/apk/db/installed',
  '/usr/lib/apk/db/installed',
  '/var/lib/pacman/local',
  '/usr/lib/systemd/systemd',
  '/lib/systemd/systemd',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
];
/** ELF programs that tell the architecture; their libraries come along. */
const PROGRAMS = ['/bin/sh', '/bin/ls', '/usr/bin/env'];
const EMPTY_FOLDERS = ['boot/efi', 'dev', 'home', 'mnt', 'opt', 'proc', 'run', 'srv', 'sys', 'var/log', 'var/tmp'];
const MERGED_FOLDERS = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];
const KERNEL_FILE = /^(vmlinuz|vmlinux|config|System\.map|initrd\.img|initramfs)-/;
const MODULE_LIST = /^modules\.(builtin|dep|order)$/;

export interface FilesystemIds {
  readonly rootUuid: string;
  /** Volume id of the ESP as fstab spells it: `7A3C-19E4`. */
  readonly espId: string;
}

/** Fills a folder with a root filesystem made of this host's own facts. Works, with fewer facts, on a host that lacks some. */
export function assembleHostFolder(folder: string, ids: FilesystemIds): void {
  layOutFolders(folder);
  for (const file of COPIED) copyFromHost(folder, file);
  for (const program of PROGRAMS) copyProgram(folder, program);
  copyKernels(folder);
  copyEnabledUnits(folder);
  writeAccounts(folder);
  writeIdentity(folder, ids);
}

function layOutFolders(folder: string): void {
  for (const name of EMPTY_FOLDERS) mkdirSync(path.join(folder, name), { recursive: true });
  mkdirSync(path.join(folder, 'root'), { mode: 0o700 });
  mkdirSync(path.join(folder, 'tmp'));
  for (const name of ['tmp', 'var/tmp']) chmodSync(path.join(folder, name), 0o1777);
  for (const name of MERGED_FOLDERS) {
    const target = linkTarget(`/${name}`);
    if (target === undefined) continue;
    mkdirSync(path.join(folder, 'usr', name), { recursive: true });
    symlinkSync(target, path.join(folder, name));
  }
}

/** Copies a file, a link with what it leads to, or a folder, to the same place below `folder`. What cannot be read is left out. */
function copyFromHost(folder: string, hostPath: string): void {
  const stat = lstatIfReadable(hostPath);
  if (stat === undefined) return;
  // below a merged /bin or /lib the file has its true place under /usr
  const place = path.join(realpathSync(path.dirname(hostPath)), path.basename(hostPath));
  const target = path.join(folder, place);
  if (existsSync(target) && !stat.isDirectory()) return;
  mkdirSync(path.dirname(target), { recursive: true });
  if (stat.isSymbolicLink()) copyLink(folder, place, target);
  else if (stat.isDirectory()) copyFolder(folder, place);
  else if (stat.isFile()) copyFile(place, target, stat);
}

function copyLink(folder: string, place: string, target: string): void {
  if (lstatIfReadable(target) !== undefined) return;
  const leadsTo = readlinkSync(place);
  symlinkSync(leadsTo, target);
  const next = path.resolve(path.dirname(place), leadsTo);
  if (existsSync(next) && statSync(next).isFile()) copyFromHost(folder, next);
}

function copyFolder(folder: string, place: string): void {
  mkdirSync(path.join(folder, place), { recursive: true });
  for (const name of readdirSync(place)) copyFromHost(folder, path.join(place, name));
}

function copyFile(from: string, to: string, stat: Stats): void {
  if (!isReadable(from)) return;
  copyFileSync(from, to, constants.COPYFILE_FICLONE);
  utimesSync(to, stat.atime, stat.mtime);
}

function copyProgram(folder: string, program: string): void {
  if (!existsSync(program)) return;
  copyFromHost(folder, program);
  const libraries = spawnSync('ldd', [program], { encoding: 'utf8' }).stdout ?? '';
  for (const [library] of libraries.matchAll(/\/[^\s:]+\.so[^\s:]*/g)) copyFromHost(folder, library);
}

/** Kernels and initial RAM disks are often readable by root only: then their names are kept, with no content. */
function copyKernels(folder: string): void {
  for (const name of namesIn('/boot').filter((file) => KERNEL_FILE.test(file))) {
    copyFromHost(folder, `/boot/${name}`);
    const target = path.join(folder, 'boot', name);
    if (!existsSync(target)) writeFileSync(target, '');
  }
  for (const version of namesIn('/lib/modules')) {
    const lists = namesIn(`/lib/modules/${version}`).filter((file) => MODULE_LIST.test(file));
    for (const list of lists) copyFromHost(folder, `/lib/modules/${version}/${list}`);
  }
}

/** Only the links that enable units: unit files and drop-ins written on this host may carry secrets in `Environment=`. */
function copyEnabledUnits(folder: string): void {
  const home = '/etc/systemd/system';
  for (const name of namesIn(home, { recursive: true })) {
    const target = linkTarget(path.join(home, name));
    if (target === undefined) continue;
    const link = path.join(folder, home, name);
    mkdirSync(path.dirname(link), { recursive: true });
    symlinkSync(target, link);
  }
}

function writeAccounts(folder: string): void {
  const users = readLines('/etc/passwd', [`root:x:0:0:root:/root:/bin/sh`]).map(withoutPassword);
  const groups = readLines('/etc/group', ['root:x:0:']).map(withoutPassword);
  writeLines(folder, 'etc/passwd', users);
  writeLines(folder, 'etc/group', groups);
  writeLines(
    folder,
    'etc/shadow',
    users.map((user) => `${user.split(':')[0]}:!:19000:0:99999:7:::`),
  );
  chmodSync(path.join(folder, 'etc/shadow'), 0o640);
}

/** Old systems keep password hashes in the second field. */
function withoutPassword(line: string): string {
  const [name = '', , ...rest] = line.split(':');
  return [name, 'x', ...rest].join(':');
}

function writeIdentity(folder: string, { rootUuid, espId }: FilesystemIds): void {
  writeLines(folder, 'etc/hostname', readLines('/etc/hostname', [os.hostname()]));
  const machineId = readLines('/etc/machine-id', []);
  if (machineId.length > 0) writeLines(folder, 'etc/machine-id', machineId);
  writeLines(folder, 'etc/fstab', [
    `UUID=${rootUuid} / ext4 errors=remount-ro 0 1`,
    `UUID=${espId} /boot/efi vfat umask=0077 0 1`,
  ]);
  if (!existsSync('/etc/os-release')) {
    // no Linux: say what the host is, in the same words
    writeLines(folder, 'etc/os-release', [
      `ID=${os.platform()}`,
      `NAME="${os.type()}"`,
      `VERSION_ID="${os.release()}"`,
    ]);
  }
}

function readLines(file: string, otherwise: readonly string[]): readonly string[] {
  if (!isReadable(file)) return otherwise;
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  return lines.length > 0 ? lines : otherwise;
}

function writeLines(folder: string, file: string, lines: readonly string[]): void {
  const target = path.join(folder, file);
  mkdirSync(path.dirname(target), { recursive: true });
  writeFileSync(target, `${lines.join('\n')}\n`);
}

function namesIn(folder: string, options: { readonly recursive?: boolean } = {}): readonly string[] {
  try {
    return readdirSync(folder, { recursive: options.recursive ?? false, encoding: 'utf8' }).sort();
  } catch {
    // the host has no such folder, or keeps it to itself
    return [];
  }
}

function linkTarget(file: string): string | undefined {
  return lstatIfReadable(file)?.isSymbolicLink() ? readlinkSync(file) : undefined;
}

function lstatIfReadable(file: string): Stats | undefined {
  try {
    return lstatSync(file);
  } catch {
    return undefined;
  }
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
