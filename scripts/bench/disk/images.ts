import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { type Random, seededRandom } from '../../../packages/disk/src/testing/mutation.ts';

const FOLDER = path.join(import.meta.dirname, '../../../.guestkit/bench/disk');
const PIECE_BYTES = 64 * 1024;
const PIECES_OF_A_MIB = 2 ** 20 / PIECE_BYTES;
const DIFFERENT_PIECES = 1000;
const TEBIBYTE = 2 ** 40;

const CONVERTED: Readonly<Record<keyof BenchSizes, readonly string[]>> = {
  tiny: [],
  plain: [],
  zlib: ['-c'],
  zstd: ['-c', '-o', 'compression_type=zstd'],
};

/** MiB of the disk that each has. */
export type BenchSizes = Readonly<Record<'tiny' | 'plain' | 'zlib' | 'zstd', number>>;

export interface BenchImages {
  readonly plain: string;
  readonly zlib: string;
  readonly zstd: string;
  /** Of one cluster: what is left of reading it is starting and ending. */
  readonly tiny: string;
  /** 1 TiB with a GPT and an ext4 in it. */
  readonly large: string;
}

/** Makes the images unless they are there; they are kept in `.guestkit/bench/disk`. */
export function benchImages(sizes: BenchSizes): BenchImages {
  mkdirSync(FOLDER, { recursive: true });
  const made = Object.entries(CONVERTED).map(([name, options]) => {
    const sizeMib = sizes[name as keyof BenchSizes];
    const image = path.join(FOLDER, `${sizeMib}-${name}.qcow2`);
    if (!existsSync(image)) makeImage(image, sizeMib, options);
    return [name, image];
  });
  return { ...Object.fromEntries(made), large: largeDisk() };
}

function makeImage(image: string, sizeMib: number, options: readonly string[]): void {
  const raw = `${image}.raw`;
  writeContent(raw, sizeMib);
  qemuImg('convert', '-f', 'raw', '-O', 'qcow2', ...options, raw, image);
  rmSync(raw);
}

/** A third noise, the rest text and words of few values: it is packed to about half, as systems are. Clusters, which are packed apart, repeat after a while. */
function writeContent(file: string, sizeMib: number): void {
  const random = seededRandom(1);
  const pieces = Array.from({ length: Math.min(sizeMib * PIECES_OF_A_MIB, DIFFERENT_PIECES) }, () =>
    randomPiece(random),
  );
  const fd = openSync(file, 'w');
  for (let index = 0; index < sizeMib * PIECES_OF_A_MIB; index++)
    writeSync(fd, pieces[index % pieces.length] as Buffer);
  closeSync(fd);
}

function randomPiece(random: Random): Buffer {
  const piece = Buffer.alloc(PIECE_BYTES);
  const values = [2 ** 32, 2 ** 32, 64, 1024, 16][random(5)] ?? 1;
  for (let at = 0; at < PIECE_BYTES; at += 4) piece.writeUInt32LE(random(values), at);
  return piece;
}

function largeDisk(): string {
  const image = path.join(FOLDER, 'large.qcow2');
  if (existsSync(image)) return image;
  const raw = path.join(FOLDER, 'large.raw');
  writeFileSync(raw, '');
  truncateSync(raw, TEBIBYTE);
  const sectors = TEBIBYTE / 512 - 4096;
  execFileSync('sgdisk', ['-n', `1:2048:${sectors}`, raw], { stdio: 'pipe' });
  const options = [
    '-E',
    `offset=${2048 * 512},lazy_itable_init=1,lazy_journal_init=1,nodiscard`,
    '-O',
    '^resize_inode',
  ];
  execFileSync(
    'mke2fs',
    ['-q', '-F', '-t', 'ext4', '-L', 'large', ...options, raw, `${Math.floor((sectors - 2048) / 2)}k`],
    {
      stdio: 'pipe',
    },
  );
  qemuImg('convert', '-f', 'raw', '-O', 'qcow2', raw, image);
  rmSync(raw);
  return image;
}

function qemuImg(...args: readonly string[]): void {
  execFileSync('qemu-img', args, { stdio: ['ignore', 'pipe', 'inherit'] });
}
