import { readFields } from '../../fields.ts';
import { quote } from '../../quote.ts';
import type { FileType } from '../file-system.ts';
import { decodeName, isFileName } from '../name.ts';
import { typeOfEntry } from '../unix-mode.ts';
import { corrupt } from './error.ts';
import { openContent } from './file-content.ts';
import type { Inode } from './inode.ts';
import { DIRENT, DIRENT_SIZE, LONGEST_NAME } from './layout.ts';
import type { ErofsVolume } from './volume.ts';

export interface FolderEntry {
  readonly name: string;
  readonly type: FileType | undefined;
  readonly inode: number;
}

const LARGEST_FOLDER = 2 ** 30;

/** Each block of a folder has entries in front, and their names behind. */
export function* readFolder(volume: ErofsVolume, inode: Inode): Generator<FolderEntry> {
  const { sizeBytes } = inode.stat;
  if (sizeBytes > LARGEST_FOLDER) {
    throw corrupt(`Cannot read folder: it has ${sizeBytes} bytes, expected at most ${LARGEST_FOLDER}`, inode.at);
  }
  const content = openContent(volume, inode);
  const { blockSize } = volume.superblock;
  for (let offset = 0; offset < sizeBytes; offset += blockSize) {
    const block = content.read(offset, Math.min(blockSize, sizeBytes - offset));
    yield* entriesOf(block, inode.at);
  }
}

function* entriesOf(block: Uint8Array, at: number): Generator<FolderEntry> {
  // names begin where entries end
  const end = direntAt(block, 0, at).nameoff;
  if (end < DIRENT_SIZE || end > block.length || end % DIRENT_SIZE !== 0) {
    throw corrupt(`Cannot read folder: names begin at ${end} of ${block.length}`, at);
  }
  for (let offset = 0; offset < end; offset += DIRENT_SIZE) {
    const { nid, nameoff, file_type } = direntAt(block, offset, at);
    const next = offset + DIRENT_SIZE;
    const stop = next < end ? direntAt(block, next, at).nameoff : lastNameEnd(block, nameoff);
    const name = nameIn(block, nameoff, stop, at);
    if (name === '.' || name === '..') continue;
    if (!isFileName(name)) throw corrupt(`Cannot read folder: bad name ${quote(name)}`, at);
    yield { name, type: typeOfEntry(file_type), inode: nid };
  }
}

function direntAt(block: Uint8Array, offset: number, at: number) {
  return readFields(block.subarray(offset, offset + DIRENT_SIZE), DIRENT, { format: 'erofs', offset: at });
}

/** The last name ends with a zero, or with the block. */
function lastNameEnd(block: Uint8Array, start: number): number {
  const zero = block.indexOf(0, start);
  return zero === -1 ? block.length : zero;
}

function nameIn(block: Uint8Array, start: number, end: number, at: number): string {
  if (end <= start || end > block.length || end - start > LONGEST_NAME) {
    throw corrupt(`Cannot read folder: a name lies from ${start} to ${end} of ${block.length}`, at);
  }
  return decodeName(block.subarray(start, end));
}
