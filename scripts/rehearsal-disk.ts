// Makes the disk that a jail rehearses an inspection on before it is handed a real one, with real tools:
//
//   node scripts/rehearsal-disk.ts      writes packages/operations/src/inspect/rehearsal-disk.ts
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { constants, zstdCompressSync } from 'node:zlib';
import { DISK_IDS, makeSystemDisk } from './system-disk.ts';

const TARGET = path.join(import.meta.dirname, '../packages/operations/src/inspect/rehearsal-disk.ts');

/** Small, and of each kind of file enough that the code which reads it is well used. */
const FILES: Readonly<Record<string, string>> = {
  'bin/sh': elfHeader(),
  'usr/bin/env': elfHeader(),
  'etc/os-release': 'PRETTY_NAME="Rehearsal 1.0"\nNAME="Rehearsal"\nID=rehearsal\nID_LIKE=debian\nVERSION_ID="1.0"\n',
  'etc/hostname': 'rehearsal\n',
  'etc/machine-id': '0123456789abcdef0123456789abcdef\n',
  'etc/fstab': `UUID=${DISK_IDS.rootUuid} / ext4 defaults 0 1\nUUID=${DISK_IDS.espId} /boot/efi vfat umask=0077 0 1\n`,
  'etc/passwd': lines(30, (n) => `user${n}:x:${n * 100}:${n}:User ${n}:/home/user${n}:/bin/sh`),
  'etc/group': lines(30, (n) => `group${n}:x:${n}:user${n}`),
  'etc/shadow': lines(30, (n) => `user${n}:!:19000:0:99999:7:::`),
  'etc/ssh/sshd_config': 'PermitRootLogin no\n# a comment\nPasswordAuthentication yes\n',
  'etc/network/interfaces': 'auto lo\niface lo inet loopback\n\nauto eth0\niface eth0 inet dhcp\n',
  'etc/resolv.conf': 'nameserver 192.0.2.1\n',
  'var/lib/dpkg/status': lines(100, packageEntry),
  'boot/vmlinuz-6.1.0-1-amd64': 'kernel',
  'boot/initrd.img-6.1.0-1-amd64': 'initrd',
};
const UNITS = 60;

const scratch = mkdtempSync(path.join(tmpdir(), 'guestkit-rehearsal-'));
try {
  writeFileSync(TARGET, moduleOf(makeDisk()));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function makeDisk(): Buffer {
  const [rootFolder, efiFolder] = [path.join(scratch, 'root'), path.join(scratch, 'efi')];
  for (const [name, content] of Object.entries(FILES)) put(path.join(rootFolder, name), content);
  for (let n = 0; n < UNITS; n++) putUnit(rootFolder, n);
  put(path.join(efiFolder, 'BOOT/BOOTX64.EFI'), 'loader');
  const file = path.join(scratch, 'disk.qcow2');
  makeSystemDisk({ file, format: 'qcow2', rootFolder, efiFolder });
  return readFileSync(file);
}

function putUnit(root: string, n: number): void {
  const name = `unit${n}.service`;
  const text = `[Unit]\nDescription=Unit ${n}\nAfter=network.target\n\n[Service]\nExecStart=/bin/true\n\n[Install]\nWantedBy=multi-user.target\n`;
  put(path.join(root, 'usr/lib/systemd/system', name), text);
  const wants = path.join(root, 'etc/systemd/system/multi-user.target.wants');
  mkdirSync(wants, { recursive: true });
  if (n % 2 === 0) symlinkSync(`/usr/lib/systemd/system/${name}`, path.join(wants, name));
}

function packageEntry(n: number): string {
  const fields = [`Package: package-${n}`, 'Status: install ok installed', 'Section: libs', `Installed-Size: ${n * 7}`];
  const more = ['Maintainer: Somebody <somebody@example.org>', 'Architecture: amd64', `Version: 1:${n}.2.3-${n}`];
  return [...fields, ...more, `Description: summary ${n}`, ' A longer text', ' .', ' More of it', ''].join('\n');
}

/** The first bytes of a 64-bit little-endian x86 program. */
function elfHeader(): string {
  return `\x7fELF\x02\x01\x01${'\0'.repeat(9)}\x03\0\x3e\0\x01\0\0\0${'\0'.repeat(40)}`;
}

function lines(count: number, line: (n: number) => string): string {
  return `${Array.from({ length: count }, (_, n) => line(n)).join('\n')}\n`;
}

function put(file: string, content: string): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, content, 'latin1');
}

function moduleOf(disk: Buffer): string {
  const packed = zstdCompressSync(disk, { params: { [constants.ZSTD_c_compressionLevel]: 19 } }).toString('base64');
  return `// Made by scripts/rehearsal-disk.ts: a qcow2 of a small Debian-like guest, in zstd and base64.\nexport const REHEARSAL_DISK =\n  '${packed}';\n`;
}
