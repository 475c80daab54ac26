import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import type { ByteSource } from '../../source/byte-source.ts';
import { MemorySource } from '../../source/memory-source.ts';
import type { FileNode, FileSystem } from '../file-system.ts';
import { createFileTree } from '../tree.ts';
import { openExt4 } from './open.ts';

/** Whether e2fsprogs is here: nothing can be made without it. */
export const hasE2fsprogs = spawnSync('mke2fs', ['-V']).status === 0 && spawnSync('debugfs', ['-V']).status === 0;

export interface ExtOptions {
  /** Of mke2fs: type, block size, features. */
  readonly args: string;
  readonly sizeBytes?: number;
  /** The folder to fill it from. */
  readonly from?: string;
  /** Commands of debugfs to change it with. */
  readonly commands?: readonly string[];
}

/** Makes a filesystem in a file that does not exist yet. */
export function makeExt(
  image: string,
  { args, sizeBytes = 16 * 1024 * 1024, from, commands = [] }: ExtOptions,
): string {
  writeFileSync(image, '');
  truncateSync(image, sizeBytes);
  const fill = from === undefined ? [] : ['-d', from];
  execFileSync('mke2fs', ['-q', '-F', ...args.split(' '), ...fill, image], { stdio: 'pipe' });
  if (commands.length > 0) debugfs(image, ...commands);
  return image;
}

/** Runs commands of debugfs, which may change the image, and returns what they print. */
export function debugfs(image: string, ...commands: readonly string[]): string {
  const run = spawnSync('debugfs', ['-w', '-f', '-', image], { input: `${commands.join('\n')}\n`, encoding: 'utf8' });
  // it succeeds whatever happens; what went wrong is all it says there, but for its version
  const complaint = run.stderr.replace(/^debugfs [\d.]+ .*\n/, '');
  if (run.status !== 0 || complaint !== '') throw new Error(`Cannot run debugfs: ${complaint}`);
  return run.stdout;
}

export function openImage(image: string): FileSystem {
  return openExt4(new MemorySource(readFileSync(image)));
}

/** Fills a folder with one of everything that a filesystem must keep, but for devices. */
export function makeSampleFolder(folder: string): string {
  mkdirSync(folder);
  const at = (name: string) => path.join(folder, name);
  for (const [name, size] of Object.entries(FILE_SIZES)) writeFileSync(at(name), randomBytes(size));
  writeSparse(at('sparse'), 3_000_000, [0, 700_000, 2_500_123]);
  writeSparse(at('only-hole'), 500_000, []);
  makeLinks(at);
  makeNames(folder);
  makeFolders(at);
  writeFileSync(at('setuid'), '#!/bin/sh\n', { mode: 0o755 });
  execFileSync('chmod', ['4751', at('setuid')]);
  execFileSync('mkfifo', [at('fifo')]);
  utimesSync(at('one-byte'), 1_000_000_000, 1_234_567_890);
  utimesSync(at('two-blocks'), -86_400, -86_400);
  return folder;
}

/** Devices in both encodings, owners above 16 bits, and times beyond 2038 with nanoseconds where inodes have room. */
export const SAMPLE_COMMANDS: readonly string[] = [
  'mknod tty c 4 64',
  'mknod disk b 259 60000',
  'sif one-byte uid 70000',
  'sif one-byte gid 4000000000',
];
export const WIDE_TIME_COMMANDS: readonly string[] = [
  'sif inline-60 mtime 0x10',
  'sif inline-60 mtime_extra 0x1dcd6501',
];

const FILE_SIZES: Readonly<Record<string, number>> = {
  empty: 0,
  'one-byte': 1,
  'inline-60': 60,
  'inline-61': 61,
  'inline-130': 130,
  'inline-160': 160,
  'almost-a-block': 1023,
  'two-blocks': 2048,
  large: 700_001,
};

/** A file that is a hole but for some content at each offset. */
export function writeSparse(file: string, size: number, offsets: readonly number[], content = randomBytes(5000)): void {
  const fd = openSync(file, 'w');
  ftruncateSync(fd, size);
  for (const offset of offsets) writeSync(fd, content, 0, content.length, offset);
  closeSync(fd);
}

function makeLinks(at: (name: string) => string): void {
  linkSync(at('large'), at('large-again'));
  symlinkSync('one-byte', at('link-short'));
  symlinkSync('/absolute/and/dangling', at('link-dangling'));
  for (const length of [59, 60, 61, 150, 900]) symlinkSync('t'.repeat(length), at(`link-${length}`));
}

function makeNames(folder: string): void {
  const names = ['n'.repeat(255), 'ünïcödé', '😀 and more', 'tab\tnewline\n', 'back\\slash "quote"', '-dash', ' '];
  for (const name of names) writeFileSync(path.join(folder, name), name);
  for (const bytes of [[0xff, 0xfe, 0x41], [0x80], [0xed, 0xb2, 0x80], [0xc3, 0x28], [0xef, 0xbb, 0xbf, 0x42]]) {
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(bytes)]), Uint8Array.from(bytes));
  }
}

function makeFolders(at: (name: string) => string): void {
  mkdirSync(at('empty-folder'));
  mkdirSync(at(`deep/${'d/'.repeat(60)}`), { recursive: true });
  for (const [name, count] of [
    ['small-folder', 5],
    ['inline-folder', 12],
    ['many', 400],
  ] as const) {
    mkdirSync(at(name));
    for (let index = 0; index < count; index++) writeFileSync(at(`${name}/entry-${index}`), `${index}`);
  }
}

/** Reads all there is to read: every folder, content, target and attribute. @throws what the reader throws */
export function readAll(fileSystem: FileSystem): void {
  for (const { node } of createFileTree(fileSystem).walk()) readNode(node);
}

export function readNode(node: FileNode): void {
  node.xattrs();
  if (node.stat.type === 'symlink') node.readlink();
  if (node.stat.type === 'file') readContent(node.open());
}

const READ_BYTES = 1024 * 1024;
/** Sparse files may be as large as a file can be. */
const MOST_BYTES = 8 * READ_BYTES;

function readContent(content: ByteSource): void {
  const end = Math.min(content.sizeBytes, MOST_BYTES);
  for (let offset = 0; offset < end; offset += READ_BYTES) content.read(offset, Math.min(READ_BYTES, end - offset));
  if (content.sizeBytes > 0) content.read(content.sizeBytes - 1, 1);
}

/** An image in memory to be damaged, and where things are in it as debugfs knows. */
export class Damaged {
  readonly bytes: Uint8Array;
  readonly #image: string;

  constructor(image: string) {
    this.#image = image;
    this.bytes = new Uint8Array(readFileSync(image));
  }

  inode(file: string): number {
    const [, block, within] =
      /located at block (\d+), offset (0x[0-9a-f]+)/.exec(debugfs(this.#image, `imap ${file}`)) ?? [];
    return Number(block) * 1024 + Number(within);
  }

  number(file: string): number {
    return Number(/Inode: (\d+)/.exec(debugfs(this.#image, `stat ${file}`))?.[1]);
  }

  /** The place of a block of a file, in an image with blocks of 1 KiB. */
  block(file: string, index: number): number {
    return Number(/^(\d+)/m.exec(debugfs(this.#image, `bmap ${file} ${index}`))?.[1]) * 1024;
  }

  /** The place of a name's entry in a folder of one block. */
  entry(folder: string, name: string): number {
    const block = this.block(folder, 0);
    return Buffer.from(this.bytes.subarray(block, block + 1024)).indexOf(name) + block - 8;
  }

  get(offset: number): number {
    return new DataView(this.bytes.buffer).getUint32(offset, true);
  }

  set(offset: number, ...words: readonly number[]): void {
    this.bytes.set(new Uint8Array(Uint32Array.from(words).buffer), offset);
  }

  set16(offset: number, value: number): void {
    this.bytes.set([value & 0xff, value >> 8], offset);
  }

  open(): FileSystem {
    return openExt4(new MemorySource(this.bytes));
  }
}
