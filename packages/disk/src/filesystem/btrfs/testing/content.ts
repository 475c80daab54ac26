import { execFileSync } from 'node:child_process';
import { closeSync, linkSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { seededRandom } from '../../../testing/mutation.ts';

/** Adds to a mounted filesystem what is kept in other ways than files of other filesystems are. */
export function addBtrfsContent(folder: string, { links = 80 } = {}): void {
  const at = (name: string) => path.join(folder, name);
  makeExtents(at);
  makeXattrs(at);
  makeNodes(at);
  makeHardLinks(at, links);
  makeSubvolumes(at);
}

function makeExtents(at: (name: string) => string): void {
  writeFileSync(at('text'), compressible(700_000));
  writeFileSync(at('inline-text'), compressible(1500));
  writeFileSync(at('random'), Uint8Array.from({ length: 300_000 }, RANDOM_BYTE));
  execFileSync('cp', ['--reflink=always', at('text'), at('bookends')]);
  // the extents that are cut in two keep their whole content, of which only the ends are used
  for (const offset of [50_000, 200_000, 450_001]) writeAt(at('bookends'), offset, Buffer.alloc(9000, 'x'));
  execFileSync('fallocate', ['-l', '200000', at('reserved')]);
  writeAt(at('reserved'), 70_000, Buffer.from('written'));
  execFileSync('fallocate', ['-p', '-o', '100000', '-l', '100000', at('random')]);
  writeFileSync(at('no-checksums'), '');
  execFileSync('chattr', ['+C', at('no-checksums')]);
  writeFileSync(at('no-checksums'), compressible(100_000), { flag: 'r+' });
  execFileSync('truncate', ['-s', '123457', at('no-checksums')]);
}

const random = seededRandom(5);
const RANDOM_BYTE = () => random(256);

/** Text with some noise in it, so that there are matches of every kind. */
function compressible(length: number): Buffer {
  const words = ['the ', 'quick brown ', 'fox ', 'jumps over ', 'a lazy dog, ', 'again and again and again and again '];
  let text = '';
  while (text.length < length) text += random(9) === 0 ? String(random(1e9)) : words[random(words.length)];
  return Buffer.from(text.slice(0, length));
}

function writeAt(file: string, offset: number, bytes: Uint8Array): void {
  const fd = openSync(file, 'r+');
  writeSync(fd, bytes, 0, bytes.length, offset);
  closeSync(fd);
}

function makeXattrs(at: (name: string) => string): void {
  for (const [name, value] of [
    ['user.note', 'text'],
    ['user.empty', ''],
    ['security.label', 'system_u:object_r:etc_t:s0'],
    ['trusted.large', 'v'.repeat(3000)],
  ] as const) {
    execFileSync('setfattr', ['-n', name, '-v', value, at('text')]);
  }
  execFileSync('setfacl', ['-m', 'u:1000:rwx,g:5:r', at('random')]);
}

function makeNodes(at: (name: string) => string): void {
  execFileSync('mknod', [at('tty'), 'c', '4', '64']);
  execFileSync('mknod', [at('disk'), 'b', '259', '60000']);
  execFileSync('chown', ['70000:4000000000', at('inline-text')]);
}

/** 80 are more names than an item of an inode holds, with blocks of up to 16 KiB. */
function makeHardLinks(at: (name: string) => string, count: number): void {
  mkdirSync(at('links'));
  for (let index = 0; index < count; index++) linkSync(at('inline-text'), at(`links/${'l'.repeat(230)}${index}`));
}

function makeSubvolumes(at: (name: string) => string): void {
  const btrfs = (...args: readonly string[]) => execFileSync('btrfs', ['subvolume', ...args], { stdio: 'pipe' });
  btrfs('create', at('@home'));
  writeFileSync(at('@home/file'), 'before the snapshot');
  mkdirSync(at('@home/folder'));
  btrfs('create', at('@home/folder/inner'));
  writeFileSync(at('@home/folder/inner/deep'), 'deep');
  btrfs('snapshot', '-r', at('@home'), at('snapshot'));
  writeFileSync(at('@home/file'), 'after the snapshot');
  btrfs('snapshot', at('@home'), at('@home/folder/self'));
  btrfs('create', at('gone'));
  btrfs('delete', at('gone'));
}
