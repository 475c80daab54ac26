// Makes a real disk image from this host's own facts, with real tools and without root:
//
//   node scripts/sample-disk.ts OUT.qcow2
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { assembleHostFolder } from './sample-disk/host-folder.ts';

const MIB = 2 ** 20;
const ESP_START_MIB = 1;
const ESP_MIB = 64;
const ROOT_START_MIB = ESP_START_MIB + ESP_MIB;
/** Room for the backup partition table. */
const TAIL_MIB = 1;
/** The same in every sample, so that two can be compared. */
const IDS = {
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

export interface SampleDiskOptions {
  readonly format?: 'qcow2' | 'raw';
  /** Changes the root folder before it becomes a filesystem. */
  readonly prepare?: (rootFolder: string) => void;
}

/** Facts of a sample disk, to compare answers with. */
export interface SampleDisk {
  readonly path: string;
  readonly rootUuid: string;
  readonly espId: string;
  readonly rootOffsetBytes: number;
  readonly rootSizeBytes: number;
  readonly virtualSizeBytes: number;
}

/** Makes a GPT disk with an EFI system partition and an ext4 root that holds this host's identity, packages, users and units. */
export function makeSampleDisk(file: string, options: SampleDiskOptions = {}): SampleDisk {
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'guestkit-sample-'));
  try {
    const folder = path.join(scratch, 'root');
    mkdirSync(folder);
    assembleHostFolder(folder, IDS);
    options.prepare?.(folder);
    return buildDisk({ file, folder, scratch, format: options.format ?? 'qcow2' });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

interface Build {
  readonly file: string;
  readonly folder: string;
  readonly scratch: string;
  readonly format: 'qcow2' | 'raw';
}

function buildDisk({ file, folder, scratch, format }: Build): SampleDisk {
  const rootMib = Math.max(128, Math.ceil((sizeOf(folder) * 1.25) / MIB) + 64);
  const diskMib = ROOT_START_MIB + rootMib + TAIL_MIB;
  const raw = path.join(scratch, 'disk.raw');
  writeFileSync(raw, '');
  truncateSync(raw, diskMib * MIB);
  partition(raw, rootMib);
  makeEsp(raw, scratch);
  makeRoot(raw, rootMib, folder);
  mkdirSync(path.dirname(path.resolve(file)), { recursive: true });
  run('qemu-img', ['convert', '-f', 'raw', '-O', format, raw, file]);
  return {
    path: file,
    rootUuid: IDS.rootUuid,
    espId: IDS.espId,
    rootOffsetBytes: ROOT_START_MIB * MIB,
    rootSizeBytes: rootMib * MIB,
    virtualSizeBytes: diskMib * MIB,
  };
}

function partition(raw: string, rootMib: number): void {
  const esp = [`--new=1:${ESP_START_MIB}M:+${ESP_MIB}M`, '--typecode=1:EF00', '--change-name=1:EFI system'];
  const root = [`--new=2:${ROOT_START_MIB}M:+${rootMib}M`, '--typecode=2:8300', '--change-name=2:root'];
  run('sgdisk', [`--disk-guid=${IDS.disk}`, ...esp, ...root, raw]);
}

function makeEsp(raw: string, scratch: string): void {
  const sector = (ESP_START_MIB * MIB) / 512;
  const volumeId = IDS.espId.replace('-', '');
  // the size is in KiB: without it the filesystem would reach to the end of the disk
  const size = String(ESP_MIB * 1024);
  run('mkfs.vfat', ['-F', '32', '-n', 'ESP', '-i', volumeId, `--offset=${sector}`, raw, size]);
  const image = `${raw}@@${ESP_START_MIB}M`;
  run('mcopy', ['-s', '-m', '-i', image, efiFolder(scratch), '::/EFI']);
}

/** The host's own boot files when it has some that we may read, else a boot menu that names its kernels. */
function efiFolder(scratch: string): string {
  const host = ['/boot/efi/EFI', '/efi/EFI', '/boot/EFI'].find(fitsInEsp);
  if (host !== undefined) return host;
  const folder = path.join(scratch, 'EFI');
  mkdirSync(path.join(folder, 'BOOT'), { recursive: true });
  const kernels = existsSync('/boot') ? readdirSync('/boot').filter((name) => name.startsWith('vmlinuz')) : [];
  const entries = kernels.map(
    (kernel) => `menuentry '${kernel}' { linux /boot/${kernel} root=UUID=${IDS.rootUuid} ro }\n`,
  );
  writeFileSync(
    path.join(folder, 'BOOT', 'grub.cfg'),
    `search --set=root --fs-uuid ${IDS.rootUuid}\n${entries.join('')}`,
  );
  return folder;
}

/** Some hosts keep whole kernels there, and many let only root look. */
function fitsInEsp(folder: string): boolean {
  try {
    return sizeOf(folder) < (ESP_MIB - 8) * MIB;
  } catch {
    return false;
  }
}

function makeRoot(raw: string, rootMib: number, folder: string): void {
  const offset = ROOT_START_MIB * MIB;
  const extended = `offset=${offset},root_owner=0:0,lazy_itable_init=1,hash_seed=${IDS.rootUuid}`;
  // small disks get 1 KiB blocks by default, which no real root filesystem has
  const identity = ['-t', 'ext4', '-b', '4096', '-L', 'root', '-U', IDS.rootUuid];
  run('mke2fs', ['-q', '-F', ...identity, '-E', extended, '-d', folder, raw, `${rootMib}M`]);
  if (process.getuid?.() !== 0) giveToRoot(`${raw}?offset=${offset}`, folder);
}

/** mke2fs keeps the owner of each file: without root that is us, which no real system disk shows. */
function giveToRoot(filesystem: string, folder: string): void {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const commands = names.flatMap((name) => ['uid', 'gid'].map((field) => `set_inode_field "/${name}" ${field} 0\n`));
  run('debugfs', ['-w', '-f', '-', filesystem], commands.join(''));
}

function sizeOf(folder: string): number {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names.reduce((sum, name) => sum + lstatSync(path.join(folder, name)).size, 0);
}

function run(tool: string, args: readonly string[], input = ''): void {
  const PATH = [process.env.PATH, ...TOOL_FOLDERS].join(path.delimiter);
  const env = { ...process.env, PATH, MTOOLS_SKIP_CHECK: '1' };
  const { status, stderr, error } = spawnSync(tool, args, { input, encoding: 'utf8', env });
  if (status !== 0)
    throw new Error(`Cannot make the sample disk: ${tool} ended with ${error?.message ?? `${status}: ${stderr}`}`);
}

if (import.meta.main) {
  const [file] = process.argv.slice(2);
  if (file === undefined) {
    console.error('Usage: node scripts/sample-disk.ts OUT.qcow2');
    process.exit(2);
  }
  console.log(JSON.stringify(makeSampleDisk(file), null, 2));
}
