// Makes a real disk image from this host's own facts, with real tools and without root:
//
//   node scripts/sample-disk.ts OUT.qcow2
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { assembleHostFolder } from './sample-disk/host-folder.ts';
import { DISK_IDS, ESP_MIB, makeSystemDisk, type SystemDisk, sizeOf } from './system-disk.ts';

export interface SampleDiskOptions {
  readonly format?: 'qcow2' | 'raw';
  /** Size of the root filesystem; small where not given. */
  readonly rootMib?: number;
  /** Changes the root folder before it becomes a filesystem. */
  readonly prepare?: (rootFolder: string) => void;
}

/** Makes a GPT disk with an EFI system partition and an ext4 root that holds this host's identity, packages, users and units. */
export function makeSampleDisk(file: string, options: SampleDiskOptions = {}): SystemDisk {
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'guestkit-sample-'));
  try {
    const rootFolder = path.join(scratch, 'root');
    mkdirSync(rootFolder);
    assembleHostFolder(rootFolder, DISK_IDS);
    options.prepare?.(rootFolder);
    const { format = 'qcow2', rootMib } = options;
    return makeSystemDisk({ file, rootFolder, efiFolder: efiFolder(scratch), format, rootMib });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The host's own boot files when it has some that we may read, else a boot menu that names its kernels. */
function efiFolder(scratch: string): string {
  const host = ['/boot/efi/EFI', '/efi/EFI', '/boot/EFI'].find(fitsInEsp);
  if (host !== undefined) return host;
  const folder = path.join(scratch, 'EFI');
  mkdirSync(path.join(folder, 'BOOT'), { recursive: true });
  const kernels = existsSync('/boot') ? readdirSync('/boot').filter((name) => name.startsWith('vmlinuz')) : [];
  const entries = kernels.map(
    (kernel) => `menuentry '${kernel}' { linux /boot/${kernel} root=UUID=${DISK_IDS.rootUuid} ro }\n`,
  );
  writeFileSync(
    path.join(folder, 'BOOT', 'grub.cfg'),
    `search --set=root --fs-uuid ${DISK_IDS.rootUuid}\n${entries.join('')}`,
  );
  return folder;
}

/** Some hosts keep whole kernels there, and many let only root look. */
function fitsInEsp(folder: string): boolean {
  try {
    return sizeOf(folder) < (ESP_MIB - 8) * 2 ** 20;
  } catch {
    return false;
  }
}

if (import.meta.main) {
  const [file] = process.argv.slice(2);
  if (file === undefined) {
    console.error('Usage: node scripts/sample-disk.ts OUT.qcow2');
    process.exit(2);
  }
  console.log(JSON.stringify(makeSampleDisk(file), null, 2));
}
