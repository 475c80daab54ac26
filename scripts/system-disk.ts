// Makes a bootable-looking disk with real tools and without root: GPT, an EFI system partition, an ext4 root.
import { spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const MIB = 2 ** 20;
const ESP_START_MIB = 1;
/** Size of the EFI system partition. */
export const ESP_MIB = 64;
const ROOT_START_MIB = ESP_START_MIB + ESP_MIB;
/** Room for the backup partition table. */
const TAIL_MIB = 1;
/** The same in every disk, so that two can be compared, and fstab can be written before there is a disk. */
export const DISK_IDS = {
  disk: '6D1C5B0E-2F4A-4C8B-9E57-0A1B2C3D4E5F',
  rootUuid: '3f8e2a70-5b1d-4c96-8a42-d7e0c91b6f35',
  espId: '7A3C-19E4',
};
/** Where tools live that are not on every user's PATH. */
const TOOL_FOLDERS = [
  '/usr/sbin',
  '/sbin',
  '/usr/local/sbin',
  '/opt/homebrew/opt/e2fsprogs/sbin',
  '/usr/local/opt/e2fsprogs/sbin',
];

/** Facts of a made disk, to compare answers with. */
export interface SystemDisk {
  readonly path: string;
  readonly rootUuid: string;
  readonly espId: string;
  readonly rootOffsetBytes: number;
  readonly rootSizeBytes: number;
  readonly virtualSizeBytes: number;
}

export interface SystemDiskParts {
  readonly file: string;
  readonly format: 'qcow2' | 'raw';
  /** Becomes the root filesystem, with its owners and modes. */
  readonly rootFolder: string;
  /** Becomes /EFI of the EFI system partition. */
  readonly efiFolder: string;
  /** Size of the root filesystem; what the folder needs and some room where not given. */
  readonly rootMib?: number | undefined;
}

/** Makes the disk from folders. */
export function makeSystemDisk({ file, format, rootFolder, efiFolder, ...parts }: SystemDiskParts): SystemDisk {
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'guestkit-disk-'));
  try {
    const rootMib = parts.rootMib ?? Math.max(128, Math.ceil((sizeOf(rootFolder) * 1.25) / MIB) + 64);
    const diskMib = ROOT_START_MIB + rootMib + TAIL_MIB;
    const raw = path.join(scratch, 'disk.raw');
    writeFileSync(raw, '');
    truncateSync(raw, diskMib * MIB);
    partition(raw, rootMib);
    makeEsp(raw, efiFolder);
    makeRoot(raw, rootMib, rootFolder);
    mkdirSync(path.dirname(path.resolve(file)), { recursive: true });
    run('qemu-img', ['convert', '-f', 'raw', '-O', format, raw, file]);
    return {
      path: file,
      rootUuid: DISK_IDS.rootUuid,
      espId: DISK_IDS.espId,
      rootOffsetBytes: ROOT_START_MIB * MIB,
      rootSizeBytes: rootMib * MIB,
      virtualSizeBytes: diskMib * MIB,
    };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function partition(raw: string, rootMib: number): void {
  const esp = [`--new=1:${ESP_START_MIB}M:+${ESP_MIB}M`, '--typecode=1:EF00', '--change-name=1:EFI system'];
  const root = [`--new=2:${ROOT_START_MIB}M:+${rootMib}M`, '--typecode=2:8300', '--change-name=2:root'];
  run('sgdisk', [`--disk-guid=${DISK_IDS.disk}`, ...esp, ...root, raw]);
}

function makeEsp(raw: string, folder: string): void {
  const sector = (ESP_START_MIB * MIB) / 512;
  const volumeId = DISK_IDS.espId.replace('-', '');
  // the size is in KiB: without it the filesystem would reach to the end of the disk
  const size = String(ESP_MIB * 1024);
  // one sector a cluster: mkfs.vfat chooses by the size of the whole disk, and too few clusters would make it FAT16
  run('mkfs.vfat', ['-F', '32', '-s', '1', '-n', 'ESP', '-i', volumeId, `--offset=${sector}`, raw, size]);
  const image = `${raw}@@${ESP_START_MIB}M`;
  run('mmd', ['-i', image, '::/EFI']);
  const entries = readdirSync(folder).map((name) => path.join(folder, name));
  if (entries.length > 0) run('mcopy', ['-s', '-m', '-i', image, ...entries, '::/EFI']);
}

function makeRoot(raw: string, rootMib: number, folder: string): void {
  const offset = ROOT_START_MIB * MIB;
  const extended = `offset=${offset},root_owner=0:0,lazy_itable_init=1,hash_seed=${DISK_IDS.rootUuid}`;
  // small disks get 1 KiB blocks by default, which no real root filesystem has
  const identity = ['-t', 'ext4', '-b', '4096', '-L', 'root', '-U', DISK_IDS.rootUuid];
  run('mke2fs', ['-q', '-F', ...identity, '-E', extended, '-d', folder, raw, `${rootMib}M`]);
  if (process.getuid?.() !== 0) giveToRoot(`${raw}?offset=${offset}`, folder);
}

/** mke2fs keeps the owner of each file: without root that is us, which no real system disk shows. */
function giveToRoot(filesystem: string, folder: string): void {
  const names = entriesBelow(folder).map((file) => path.relative(folder, file));
  const commands = names.flatMap((name) => ['uid', 'gid'].map((field) => `set_inode_field "/${name}" ${field} 0\n`));
  run('debugfs', ['-w', '-f', '-', filesystem], commands.join(''));
}

/** Bytes of all files below a folder; links are not followed. */
export function sizeOf(folder: string): number {
  return entriesBelow(folder).reduce((sum, file) => sum + lstatSync(file).size, 0);
}

// readdir's own recursion follows links to folders, and /dev/fd of a system leads out of it
function entriesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    return entry.isDirectory() ? [file, ...entriesBelow(file)] : [file];
  });
}

function run(tool: string, args: readonly string[], input = ''): void {
  const PATH = [process.env.PATH, ...TOOL_FOLDERS].join(path.delimiter);
  const env = { ...process.env, PATH, MTOOLS_SKIP_CHECK: '1' };
  const { status, stderr, error } = spawnSync(tool, args, { input, encoding: 'utf8', env });
  if (status !== 0)
    throw new Error(`Cannot make the disk: ${tool} ended with ${error?.message ?? `${status}: ${stderr}`}`);
}
