import { execFileSync } from 'node:child_process';
import {
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { seededRandom } from '../../../testing/mutation.ts';

const LONE_SURROGATE = Buffer.from([0xed, 0xa0, 0xbd]);
const NAMES = ['日本語', 'ünïcödé 😀', 'n'.repeat(255), 'Case', 'cASE', 'CASE', ' blank', 'dot.', 'ß', 'ẞ', 'İ', 'a'];

/** One of everything that ntfs-3g can put on a volume. */
export function fillSample(folder: string): void {
  const at = (...names: readonly string[]) => path.join(folder, ...names);
  for (const size of [0, 1, 600, 700, 5000, 70_001]) writeFileSync(at(`size-${size}`), randomText(size));
  for (const name of NAMES) writeFileSync(at(name), name);
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/lone-`), LONE_SURROGATE]), 'half a pair');
  mkdirSync(at('deep', ...Array.from({ length: 30 }, (_, level) => `level-${level}`)), { recursive: true });
  linkSync(at('a'), at('deep', 'link to a'));
  symlinkSync('../a', at('deep', 'relative'));
  symlinkSync('/no/ünïcödé/where', at('absolute'));
  execFileSync('mkfifo', [at('pipe')]);
  execFileSync('mknod', [at('terminal'), 'c', '4', '5']);
  execFileSync('mknod', [at('disk'), 'b', '8', '300']);
  writeSparse(at('sparse'), 3_000_000, [0, 700_000, 2_500_123]);
  writeSparse(at('only a hole'), 500_000, []);
  utimesSync(at('size-1'), 1_000_000_000.5, -86_400.25);
  setStream(at('a'), 'note', randomText(30));
  setStream(at('a'), 'ünïcödé stream', randomText(9000));
  setStream(at('deep'), 'of a folder', randomText(10));
}

/** Files in folders whose content is to be compressed. */
export function fillCompressed(folder: string): void {
  const compressed = makeCompressedFolder(folder);
  const random = seededRandom(11);
  const noise = Buffer.from(Uint8Array.from({ length: 150_000 }, () => random(256)));
  const text = randomText(200_000);
  writeFileSync(path.join(compressed, 'text'), text);
  writeFileSync(path.join(compressed, 'noise'), noise);
  writeFileSync(path.join(compressed, 'one byte'), Buffer.alloc(300_000, 'x'));
  writeFileSync(path.join(compressed, 'zeros'), Buffer.alloc(300_000));
  writeFileSync(path.join(compressed, 'mixed'), Buffer.concat([text, noise, Buffer.alloc(100_000), text]));
  writeFileSync(path.join(compressed, 'small'), randomText(3000));
  writeSparse(path.join(compressed, 'sparse'), 2_000_000, [0, 900_000, 1_900_000]);
}

/** What is made in it is compressed too. */
export function makeCompressedFolder(folder: string): string {
  const compressed = path.join(folder, 'compressed');
  mkdirSync(compressed);
  setAttribute(compressed, 'system.ntfs_attrib_be', Buffer.from([0, 0, 0x08, 0x20]));
  return compressed;
}

/** Fills the volume, and then the gaps with a file in so many pieces that its run list does not fit into one record. */
export function fillFragmented(folder: string, clusterBytes: number): void {
  // what is smaller would have no clusters of its own
  const bytes = Buffer.alloc(Math.max(clusterBytes, 1000), 's');
  const names = untilFull((index) => {
    const name = path.join(folder, `small-${index}`);
    writeFileSync(name, bytes);
    return name;
  });
  for (const [index, name] of names.entries()) if (index % 2 === 0) rmSync(name);
  const fd = openSync(path.join(folder, 'pieces'), 'w');
  untilFull((index) => writeSync(fd, Buffer.alloc(bytes.length, index)));
  closeSync(fd);
}

/** Fills the volume, and then the gaps with records, so that the file table is in so many pieces as well. */
export function fillFileTable(folder: string): void {
  const names = untilFull((index) => {
    const name = path.join(folder, `small-${index}`);
    writeFileSync(name, Buffer.alloc(800, 's'));
    return name;
  });
  for (const [index, name] of names.entries()) if (index % 2 === 0) rmSync(name);
  untilFull((index) => writeFileSync(path.join(folder, `empty-${index}`), ''));
}

function untilFull<T>(write: (index: number) => T): T[] {
  const written: T[] = [];
  try {
    for (;;) written.push(write(written.length));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    return written;
  }
}

/** A folder of names that take several levels. */
export function fillManyNames(folder: string, count: number): void {
  const many = path.join(folder, 'many');
  mkdirSync(many);
  for (let index = 0; index < count; index++) writeFileSync(path.join(many, manyName(index)), '');
}

export function manyName(index: number): string {
  return `${index}-${'name'.repeat(index % 20)}`;
}

/** Named streams are attributes of users, as ntfs-3g shows them. */
function setStream(file: string, name: string, value: Buffer): void {
  setAttribute(file, `user.${name}`, value);
}

export function setAttribute(file: string, name: string, value: Buffer): void {
  execFileSync('setfattr', ['-n', name, '-v', `0x${value.toString('hex')}`, file], { stdio: 'pipe' });
}

/** Words in no order, the same ones for the same length. */
function randomText(length: number): Buffer {
  const random = seededRandom(length);
  const words = Array.from({ length: Math.ceil(length / 2) }, () => 'abcdefgh'.slice(random(8)));
  return Buffer.from(words.join(' ').padEnd(length).slice(0, length));
}

function writeSparse(file: string, size: number, offsets: readonly number[]): void {
  const fd = openSync(file, 'w');
  for (const offset of offsets) {
    const bytes = randomText(6000);
    writeSync(fd, bytes, 0, Math.min(bytes.length, size - offset), offset);
  }
  ftruncateSync(fd, size);
  closeSync(fd);
}
