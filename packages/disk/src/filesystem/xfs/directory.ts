import { DiskError } from '../../error.ts';
import { hex } from '../../hex.ts';
import { quote } from '../../quote.ts';
import type { FileType } from '../file-system.ts';
import { decodeName, isFileName } from '../name.ts';
import { typeOfEntry } from '../unix-mode.ts';
import { checkSelf } from './checksum.ts';
import { corrupt } from './corrupt.ts';
import { ExtentMap } from './extent-map.ts';
import { type Inode, isLocal } from './inode.ts';
import {
  DIRECTORY_BLOCK_CRC_MAGIC,
  DIRECTORY_BLOCK_MAGIC,
  DIRECTORY_CRC_HEADER_SIZE,
  DIRECTORY_DATA_CRC_MAGIC,
  DIRECTORY_DATA_MAGIC,
  DIRECTORY_ENTRY_ALIGNMENT,
  DIRECTORY_ENTRY_HEADER_SIZE,
  DIRECTORY_ENTRY_TAG_SIZE,
  DIRECTORY_FREE_TAG,
  DIRECTORY_HASH_SIZE,
  DIRECTORY_HEADER_SIZE,
  DIRECTORY_LEAF_OFFSET,
  DIRECTORY_SELF,
  DIRECTORY_TAIL_SIZE,
} from './layout.ts';
import type { XfsVolume } from './volume.ts';

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

/** The entries of a folder, without `.` and `..`. */
export function readDirectory(volume: XfsVolume, inode: Inode): Iterable<DirectoryRecord> {
  return isLocal(inode.content) ? readShortForm(volume, inode) : readBlocks(volume, inode);
}

const SHORT_HEADER_SIZE = 2;
const SHORT_ENTRY_HEADER_SIZE = 3;

/** A small folder in its inode: no `.` and `..`, but the number of the parent. One wide inode number makes all of them wide. */
function* readShortForm({ superblock }: XfsVolume, { number, content }: Inode): Generator<DirectoryRecord> {
  const { bytes, offset } = content;
  const row = { directory: number, offset, hasTypes: superblock.hasEntryTypes };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < SHORT_HEADER_SIZE) throw cut(row, 0);
  const numberSize = view.getUint8(1) > 0 ? 8 : 4;
  let position = SHORT_HEADER_SIZE + numberSize;
  for (let count = view.getUint8(0); count > 0; count--) {
    const nameEnd = position + SHORT_ENTRY_HEADER_SIZE + (bytes[position] ?? 0);
    const numberAt = nameEnd + (row.hasTypes ? 1 : 0);
    if (numberAt + numberSize > bytes.length) throw cut(row, position);
    const name = nameOf(bytes.subarray(position + SHORT_ENTRY_HEADER_SIZE, nameEnd), row, position);
    const type = row.hasTypes ? typeOfEntry(view.getUint8(nameEnd)) : undefined;
    yield { name, type, inode: numberSize === 8 ? inodeNumber(view, numberAt) : view.getUint32(numberAt) };
    position = numberAt + numberSize;
  }
}

function cut({ directory, offset }: EntryRow, position: number): DiskError {
  return corrupt(`Cannot read folder in inode ${directory}: its entries reach past the inode`, offset + position);
}

/**
 * A folder in blocks. Whether it has one block, a list of hashes behind them or a tree of lists, the entries look the same to
 * whoever reads the folder from end to end.
 */
function* readBlocks(volume: XfsVolume, inode: Inode): Generator<DirectoryRecord> {
  const { superblock } = volume;
  for (const { bytes, offset } of directoryBlocks(volume, inode)) {
    const row = { directory: inode.number, offset, hasTypes: superblock.hasEntryTypes };
    const end = endOfEntries(bytes, row);
    checkSelf(superblock, bytes, DIRECTORY_SELF, { what: whatOf(row), offset, owner: inode.number });
    const start = superblock.version === 5 ? DIRECTORY_CRC_HEADER_SIZE : DIRECTORY_HEADER_SIZE;
    yield* readEntries(bytes.subarray(0, end), start, row);
  }
}

/** In a folder of one block, hashes follow the entries, and how many there are. */
function endOfEntries(bytes: Uint8Array, row: EntryRow): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = view.getUint32(0);
  if (magic === DIRECTORY_DATA_MAGIC || magic === DIRECTORY_DATA_CRC_MAGIC) return bytes.length;
  if (magic !== DIRECTORY_BLOCK_MAGIC && magic !== DIRECTORY_BLOCK_CRC_MAGIC) {
    throw corrupt(`Cannot read ${whatOf(row)}: magic is ${hex(magic)}`, row.offset);
  }
  const tail = bytes.length - DIRECTORY_TAIL_SIZE;
  const end = tail - view.getUint32(tail) * DIRECTORY_HASH_SIZE;
  if (end >= DIRECTORY_CRC_HEADER_SIZE) return end;
  throw corrupt(`Cannot read ${whatOf(row)}: ${view.getUint32(tail)} hashes do not fit`, row.offset + tail);
}

function whatOf({ directory }: EntryRow): string {
  return `folder in inode ${directory}`;
}

interface DirectoryBlock {
  readonly bytes: Uint8Array;
  readonly offset: number;
}

/** Blocks that were emptied leave holes. No block comes twice: so a folder ends. */
function* directoryBlocks(volume: XfsVolume, inode: Inode): Generator<DirectoryBlock> {
  const { blockSize, directoryBlockSize } = volume.superblock;
  const map = new ExtentMap(volume, inode.number, inode.content);
  const perBlock = directoryBlockSize / blockSize;
  const end = DIRECTORY_LEAF_OFFSET / blockSize;
  const seen = new Set<number>();
  for (let block = 0; block < end; ) {
    const { offset, count } = map.runAt(block);
    if (offset === undefined && count >= perBlock) {
      block += count - (count % perBlock);
      continue;
    }
    if (offset === undefined) throw corrupt(`Cannot read folder in inode ${inode.number}: block ${block} is a hole`, 0);
    if (seen.has(offset)) throw corrupt(`Cannot read folder in inode ${inode.number}: a block comes twice`, offset);
    seen.add(offset);
    if (seen.size * directoryBlockSize > MAX_DIRECTORY_BYTES) throw tooLarge(inode);
    yield { bytes: directoryBlock(volume, map, block, inode.number), offset };
    block += perBlock;
  }
}

/** A block of a folder may be several of the filesystem, and these may be apart. */
function directoryBlock(volume: XfsVolume, map: ExtentMap, first: number, inode: number): Uint8Array {
  const { blockSize, directoryBlockSize } = volume.superblock;
  const parts: Uint8Array[] = [];
  for (let block = first, end = first + directoryBlockSize / blockSize; block < end; ) {
    const { offset, count } = map.runAt(block);
    if (offset === undefined) throw corrupt(`Cannot read folder in inode ${inode}: block ${block} is a hole`, 0);
    const length = Math.min(count, end - block);
    parts.push(volume.metadata(offset, length * blockSize));
    block += length;
  }
  return parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts);
}

function tooLarge({ number, offset }: Inode): DiskError {
  const message = `Cannot read folder in inode ${number}: it has more than 2^30 bytes`;
  return new DiskError('unsupported', message, { format: 'xfs', offset });
}

function* readEntries(bytes: Uint8Array, start: number, row: EntryRow): Generator<DirectoryRecord> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let position = start; position < bytes.length; ) {
    const length = entryLength(view, position, row);
    if (view.getUint16(position) !== DIRECTORY_FREE_TAG) {
      const record = recordOf(bytes, view, position, row);
      if (record !== undefined) yield record;
    }
    position += length;
  }
}

/** The distance to the next entry. Both what is used and what is free ends in where it began. */
function entryLength(view: DataView, position: number, row: EntryRow): number {
  const remaining = view.byteLength - position;
  const isShort = remaining < DIRECTORY_ENTRY_ALIGNMENT;
  const isFree = !isShort && view.getUint16(position) === DIRECTORY_FREE_TAG;
  const length = isShort ? 0 : isFree ? view.getUint16(position + 2) : usedLength(view, position, row);
  const isLength = length > 0 && length <= remaining && length % DIRECTORY_ENTRY_ALIGNMENT === 0;
  if (isLength && view.getUint16(position + length - DIRECTORY_ENTRY_TAG_SIZE) === position) return length;
  const state = `entry at ${hex(position)} has ${length} bytes of ${remaining}, or ends in a wrong tag`;
  throw corrupt(`Cannot read ${whatOf(row)}: ${state}`, row.offset + position);
}

function usedLength(view: DataView, position: number, { hasTypes }: EntryRow): number {
  if (position + DIRECTORY_ENTRY_HEADER_SIZE > view.byteLength) return 0;
  const nameLength = view.getUint8(position + DIRECTORY_ENTRY_HEADER_SIZE - 1);
  const length = DIRECTORY_ENTRY_HEADER_SIZE + nameLength + (hasTypes ? 1 : 0) + DIRECTORY_ENTRY_TAG_SIZE;
  return Math.ceil(length / DIRECTORY_ENTRY_ALIGNMENT) * DIRECTORY_ENTRY_ALIGNMENT;
}

function recordOf(bytes: Uint8Array, view: DataView, position: number, row: EntryRow): DirectoryRecord | undefined {
  const start = position + DIRECTORY_ENTRY_HEADER_SIZE;
  const end = start + (bytes[start - 1] as number);
  // the first two entries of a folder are itself and its parent
  if (bytes[start] === DOT && (end === start + 1 || (end === start + 2 && bytes[start + 1] === DOT))) return undefined;
  const name = nameOf(bytes.subarray(start, end), row, position);
  return { name, inode: inodeNumber(view, position), type: row.hasTypes ? typeOfEntry(bytes[end]) : undefined };
}

const DOT = 0x2e;

function nameOf(bytes: Uint8Array, row: EntryRow, position: number): string {
  const name = decodeName(bytes);
  if (isFileName(name)) return name;
  throw corrupt(`Cannot read ${whatOf(row)}: bad name ${quote(name)}`, row.offset + position);
}

/** What does not fit a double is no inode number: none has so many bits. */
function inodeNumber(view: DataView, at: number): number {
  return view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
}
