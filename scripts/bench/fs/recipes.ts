// The filesystems that `npm run bench:fs` measures: one line each, filled alike through a loop mount. Kept in `.guestkit/bench`.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const MIB = 2 ** 20;

export interface Recipe {
  readonly name: string;
  /** The command that makes it, to which the image is added. */
  readonly mkfs: readonly [command: string, ...args: string[]];
  /** The command that mounts it, to which image and folder are added. */
  readonly mount: readonly [command: string, ...args: string[]];
  /** Entries per second that a walk should reach. */
  readonly walkTarget: number;
  /** Other readers of the same image: each lists all there is. */
  readonly others: (image: string) => readonly (readonly [command: string, ...args: string[]])[];
}

const LOOP: Recipe['mount'] = ['mount', '-o', 'loop'];

export const RECIPES: readonly Recipe[] = [
  {
    name: 'ext4',
    mkfs: ['mke2fs', '-q', '-F', '-t', 'ext4', '-N', '150000'],
    mount: LOOP,
    walkTarget: 25_000,
    others: (image) => [
      ['fls', '-r', '-f', 'ext4', image],
      ['debugfs', '-f', debugfsCommands(), image],
      ['7z', 'l', image],
    ],
  },
  { name: 'xfs', mkfs: ['mkfs.xfs', '-q', '-f'], mount: LOOP, walkTarget: 15_000, others: () => [] },
  { name: 'btrfs', mkfs: ['mkfs.btrfs', '-q', '-f'], mount: LOOP, walkTarget: 15_000, others: () => [] },
  {
    name: 'ntfs',
    mkfs: ['mkntfs', '-q', '-F'],
    mount: ['ntfs-3g'],
    walkTarget: 15_000,
    others: (image) => [
      ['fls', '-r', '-f', 'ntfs', image],
      ['7z', 'l', image],
    ],
  },
];

const FOLDERS = 120;
const FILES_IN_FOLDER = 99;
const MANY = 100_000;
const LARGE_BYTES = 512 * MIB;
const KEPT = path.join(import.meta.dirname, '../../../.guestkit/bench');

/** A tree of 12,000 entries; and, in an image of its own, a folder of 100,000 and a large file. */
export interface Images {
  readonly tree: string;
  readonly large: string;
}

/** Makes the images unless they are there; `undefined` where a tool or a right is missing. */
export function imagesOf(recipe: Recipe): Images | undefined {
  const tree = imageOf(recipe, 'tree', 384, fillTree);
  const large = tree && imageOf(recipe, 'large', 1536, fillLarge);
  return tree && large ? { tree, large } : undefined;
}

function imageOf(recipe: Recipe, what: string, sizeMib: number, fill: (folder: string) => void): string | undefined {
  const file = path.join(KEPT, `${recipe.name}-${what}.img`);
  if (existsSync(file)) return file;
  const draft = `${file}.draft`;
  mkdirSync(KEPT, { recursive: true });
  writeFileSync(draft, '');
  truncateSync(draft, sizeMib * MIB);
  if (!run(...recipe.mkfs, draft) || !fillMounted(recipe, draft, fill)) {
    rmSync(draft);
    return undefined;
  }
  renameSync(draft, file);
  return file;
}

function fillMounted({ mount }: Recipe, image: string, fill: (folder: string) => void): boolean {
  const folder = mkdtempSync(path.join(tmpdir(), 'guestkit-bench-'));
  try {
    if (!run(...mount, image, folder)) return false;
    try {
      fill(folder);
    } finally {
      execFileSync('umount', [folder]);
    }
    return true;
  } finally {
    rmdirSync(folder);
  }
}

function run(command: string, ...args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

function fillTree(folder: string): void {
  for (let index = 0; index < FOLDERS; index++) {
    const below = path.join(folder, `tree/folder-${index}`);
    mkdirSync(below, { recursive: true });
    for (let file = 0; file < FILES_IN_FOLDER; file++)
      writeFileSync(path.join(below, `file-${file}.txt`), `${index} ${file}`);
  }
}

function fillLarge(folder: string): void {
  mkdirSync(path.join(folder, 'many'));
  for (let index = 0; index < MANY; index++) writeFileSync(path.join(folder, `many/entry-${index}`), '');
  const fd = openSync(path.join(folder, 'large'), 'w');
  const piece = Buffer.alloc(MIB, 'content ');
  for (let done = 0; done < LARGE_BYTES; done += MIB) writeSync(fd, piece);
  closeSync(fd);
}

/** It has no `ls -R`: one command for each folder. */
function debugfsCommands(): string {
  const file = path.join(KEPT, 'debugfs-commands');
  mkdirSync(KEPT, { recursive: true });
  writeFileSync(file, Array.from({ length: FOLDERS }, (_, index) => `ls -l /tree/folder-${index}\n`).join(''));
  return file;
}
