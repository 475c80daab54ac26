import { DiskError } from '../../error.ts';
import { hex } from '../../hex.ts';
import { quote } from '../../quote.ts';
import type { FileType } from '../file-system.ts';
import { decodeName, isFileName } from '../name.ts';
import { typeOfEntry } from '../unix-mode.ts';
import type { BlockMap } from './block-map.ts';
import { corrupt } from './corrupt.ts';
import { checkDirectoryBlock } from './directory-checksum.ts';
import { has } from './features.ts';
import { readInlineData } from './inline-data.ts';
import type { Inode } from './inode.ts';
import { DIRECTORY_ENTRY_HEADER_SIZE, I_BLOCK, INCOMPAT, INLINE_DIRECTORY_HEADER_SIZE } from './layout.ts';
import type { Ext4Volume } from './volume.ts';

/** Far above ten million entries: what is larger was made to keep a reader busy. */
const MAX_DIRECTORY_BYTES = 2 ** 30;

/** A name in a folder and the inode it leads to. */
export interface DirectoryRecord {
  readonly name: string;
  readonly inode: number;
  readonly type: FileType | undefined;
}

/** Where a row of entries is, for errors, and what may be in it. */
interface EntryRow {
  readonly directory: number;
  readonly offset: number;
  readonly hasTypes: boolean;
}

/**
 * The entries of a folder, without `.` and `..`. Hash trees are read like any other folder: their blocks look like unused
 * entries to whoever reads the folder from end to end, which is how ext3 stayed compatible with ext2.
 */
export function* readDirectory(volume: Ext4Volume, inode: Inode, map: BlockMap): Generator<DirectoryRecord> {
  const row = rowOf(volume, inode);
  for (const block of directoryBlocks(volume, inode, map)) {
    const bytes = volume.block(block);
    const offset = volume.offsetOf(block);
    checkDirectoryBlock(inode, bytes, offset);
    yield* readEntries(bytes, { ...row, offset });
  }
}

/** The entries of a folder that is kept in its inode: no `.` and `..`, but the number of the parent. */
export function readInlineDirectory(volume: Ext4Volume, inode: Inode): Generator<DirectoryRecord> {
  const bytes = readInlineData(inode).subarray(INLINE_DIRECTORY_HEADER_SIZE);
  return readEntries(bytes, { ...rowOf(volume, inode), offset: inode.offset + I_BLOCK + INLINE_DIRECTORY_HEADER_SIZE });
}

function rowOf({ superblock }: Ext4Volume, inode: Inode) {
  return { directory: inode.number, hasTypes: has(superblock.features.incompat, INCOMPAT.FILETYPE) };
}

/** A folder has no holes, and no block of it twice: so it ends. */
function* directoryBlocks({ superblock }: Ext4Volume, inode: Inode, map: BlockMap): Generator<number> {
  const { number, offset, stat } = inode;
  if (stat.sizeBytes > MAX_DIRECTORY_BYTES) {
    const message = `Cannot read folder in inode ${number}: ${stat.sizeBytes} bytes, expected at most 2^30`;
    throw new DiskError('unsupported', message, { format: 'ext4', offset });
  }
  const seen = new Set<number>();
  const blockCount = Math.ceil(stat.sizeBytes / superblock.blockSize);
  for (let block = 0; block < blockCount; ) {
    const { physical, count } = map.runAt(block);
    if (physical === undefined) {
      throw corrupt(`Cannot read folder in inode ${number}: block ${block} is a hole`, offset);
    }
    const end = Math.min(block + count, blockCount);
    for (let next = physical; block < end; block++, next++) {
      if (seen.has(next)) throw corrupt(`Cannot read folder in inode ${number}: block ${next} comes twice`, offset);
      seen.add(next);
      yield next;
    }
  }
}

function* readEntries(bytes: Uint8Array, row: EntryRow): Generator<DirectoryRecord> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let position = 0; position < bytes.length; ) {
    const length = entryLength(view, position, row);
    const inode = view.getUint32(position, true);
    const record = inode === 0 ? undefined : recordOf(view, position, inode, row);
    if (record !== undefined) yield record;
    position += length;
  }
}

/** The distance to the next entry, which may be the end of the row and never lies inside this entry. */
function entryLength(view: DataView, position: number, { directory, offset }: EntryRow): number {
  const remaining = view.byteLength - position;
  const length = remaining < DIRECTORY_ENTRY_HEADER_SIZE ? 0 : decodeLength(view.getUint16(position + 4, true), view);
  const nameLength = length === 0 ? 0 : view.getUint8(position + 6);
  const least = DIRECTORY_ENTRY_HEADER_SIZE + nameLength;
  if (length >= least && length % 4 === 0 && length <= remaining) return length;
  const state = `rec_len is ${length}, expected a multiple of 4 from ${least} to ${remaining}`;
  throw corrupt(`Cannot read folder in inode ${directory}: ${state}`, offset + position + 4);
}

/** 65536 does not fit: 65535 and 0 stand for a whole block of 64 KiB. */
function decodeLength(stored: number, { byteLength }: DataView): number {
  return byteLength === 65536 && (stored === 65535 || stored === 0) ? byteLength : stored;
}

function recordOf(view: DataView, position: number, inode: number, row: EntryRow): DirectoryRecord | undefined {
  const start = position + DIRECTORY_ENTRY_HEADER_SIZE;
  const name = decodeName(new Uint8Array(view.buffer, view.byteOffset + start, view.getUint8(position + 6)));
  if (name === '.' || name === '..') return undefined;
  if (!isFileName(name)) {
    const state = `bad name ${quote(name)} for inode ${hex(inode)}`;
    throw corrupt(`Cannot read folder in inode ${row.directory}: ${state}`, row.offset + start);
  }
  return { name, inode, type: row.hasTypes ? typeOfEntry(view.getUint8(position + 7) & 0x7) : undefined };
}
