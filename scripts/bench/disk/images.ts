import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { seededRandom } from '../../../packages/disk/src/testing/mutation.ts';

const FOLDER = path.join(import.meta.dirname, '../../../.guestkit/bench/disk');
const PIECE_BYTES = 64 * 1024;
const TEBIBYTE = 2 ** 40;

const CONVERTED: Readonly<Record<string, readonly string[]>> = {
  plain: [],
  zlib: ['-c'],
  zstd: ['-c', '-o', 'compression_type=zstd'],
};

export interface BenchImages {
  readonly plain: string;
  readonly zlib: string;
  readonly zstd: string;
  /** 1 TiB with a GPT and an ext4 in it. */
  readonly large: string;
}

/** Makes the images unless they are there; they are kept in `.guestkit/bench/disk`. */
export function benchImages(sizeMib: number): BenchImages {
  mkdirSync(FOLDER, { recursive: true });
  const raw = path.join(FOLDER, `${sizeMib}.raw`);
  const images = Object.entries(CONVERTED).map(([name, options]) => {
    const image = path.join(FOLDER, `${sizeMib}-${name}.qcow2`);
    if (!existsSync(image)) {
      if (!existsSync(raw)) writeContent(raw, sizeMib);
      qemuImg('convert', '-f', 'raw', '-O', 'qcow2', ...options, raw, image);
    }
    return [name, image];
  });
  rmSync(raw, { force: true });
  return { ...Object.fromEntries(images), large: largeDisk() };
}

/** A third noise, the rest text and words of few values: it is packed to about half, as systems are. */
function writeContent(file: string, sizeMib: number): void {
  const random = seededRandom(1);
  const fd = openSync(file, 'w');
  const piece = Buffer.alloc(PIECE_BYTES);
  for (let count = (sizeMib * 2 ** 20) / PIECE_BYTES; count > 0; count--) {
    const values = [2 ** 32, 2 ** 32, 64, 1024, 16][random(5)] ?? 1;
    for (let at = 0; at < PIECE_BYTES; at += 4) piece.writeUInt32LE(random(values), at);
    writeSync(fd, piece);
  }
  closeSync(fd);
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
