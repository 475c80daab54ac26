import { type Layout, readFields } from '../../fields.ts';
import type { FileStat, FileType } from '../file-system.ts';
import { splitDevice } from '../unix-mode.ts';
import { corrupt } from './error.ts';
import {
  DEVICE,
  DIRECTORY,
  DOTS_SIZE,
  FILE,
  ID_SIZE,
  INODE_HEADER,
  INODE_HEADER_SIZE,
  IPC,
  LONG_DEVICE,
  LONG_DIRECTORY,
  LONG_FILE,
  LONG_IPC,
  NO_FRAGMENT,
  NO_XATTR,
  SYMLINK,
} from './layout.ts';
import type { MetadataPlace } from './superblock.ts';
import { tableEntry } from './table.ts';
import type { MetadataReader, SquashfsVolume } from './volume.ts';

/** What a file's content is made of. */
export interface FileBlocks {
  /** Where the first block is. */
  readonly start: number;
  /** Where the tail is, when it shares a block with others. */
  readonly fragment: { readonly index: number; readonly offset: number } | undefined;
}

export interface Inode {
  readonly stat: FileStat;
  /** Of the metadata block that it is in, for errors. */
  readonly at: number;
  readonly xattr: number | undefined;
  readonly folder?: MetadataPlace & { readonly length: number };
  readonly file?: FileBlocks;
  readonly target?: Uint8Array;
  /** Reads on behind the fields: the lengths of a file's blocks. */
  readonly rest: MetadataReader;
}

interface Kind {
  readonly type: FileType;
  readonly isLong: boolean;
}

const KINDS: readonly Kind[] = (['directory', 'file', 'symlink', 'block', 'character', 'fifo', 'socket'] as const).map(
  (type) => ({ type, isLong: false }),
);
const ALL_KINDS: readonly Kind[] = [...KINDS, ...KINDS.map(({ type }) => ({ type, isLong: true }))];

/** What is particular to a kind of inode. */
type Details = Pick<Inode, 'folder' | 'file' | 'target' | 'xattr'> & Pick<FileStat, 'sizeBytes' | 'links' | 'device'>;

/** The longest target that Linux follows. */
const MOST_TARGET_BYTES = 4096;

export function readInode(volume: SquashfsVolume, place: MetadataPlace): Inode {
  const reader = volume.metadata(volume.superblock.inodeTable, place);
  const { at } = reader;
  const header = take(reader, INODE_HEADER, INODE_HEADER_SIZE);
  const kind = ALL_KINDS[header.inode_type - 1];
  if (kind === undefined) throw corrupt(`Cannot read inode: its type is ${header.inode_type}, expected 1 to 14`, at);
  const { folder, file, target, xattr, sizeBytes, links, device } = READERS[kind.type](reader, kind);
  const modifiedAt = { seconds: header.mtime, nanoseconds: 0 };
  const stat: FileStat = {
    type: kind.type,
    mode: header.mode & 0o7777,
    uid: idOf(volume, header.uid),
    gid: idOf(volume, header.guid),
    sizeBytes,
    links,
    inode: header.inode_number,
    // the only time that is kept
    ...{ modifiedAt, changedAt: modifiedAt, accessedAt: modifiedAt },
    ...(device && { device }),
  };
  return { stat, at, xattr, rest: reader, ...(folder && { folder }), ...(file && { file }), ...(target && { target }) };
}

function take<L extends Layout>(reader: MetadataReader, layout: L, size: number) {
  return readFields(reader.take(size), layout, { format: 'squashfs', offset: reader.at });
}

const READERS: Readonly<Record<FileType, (reader: MetadataReader, kind: Kind) => Details>> = {
  directory: readDirectory,
  file: readFile,
  symlink: readSymlink,
  block: readDevice,
  character: readDevice,
  fifo: readIpc,
  socket: readIpc,
};

function readDirectory(reader: MetadataReader, { isLong }: Kind): Details {
  const fields = isLong ? take(reader, LONG_DIRECTORY, 24) : { ...take(reader, DIRECTORY, 16), xattr: NO_XATTR };
  const { start_block: block, offset, file_size, nlink, xattr } = fields;
  return {
    folder: { block, offset, length: Math.max(0, file_size - DOTS_SIZE) },
    sizeBytes: file_size,
    links: nlink,
    xattr: xattrOf(xattr),
  };
}

function readFile(reader: MetadataReader, { isLong }: Kind): Details {
  const fields = isLong ? take(reader, LONG_FILE, 40) : { ...take(reader, FILE, 16), nlink: 1, xattr: NO_XATTR };
  const { start_block: start, fragment: index, offset, file_size, nlink, xattr } = fields;
  return {
    file: { start, fragment: index === NO_FRAGMENT ? undefined : { index, offset } },
    sizeBytes: file_size,
    links: nlink,
    xattr: xattrOf(xattr),
  };
}

function readSymlink(reader: MetadataReader, { isLong }: Kind): Details {
  const { nlink, symlink_size: length } = take(reader, SYMLINK, 8);
  if (length > MOST_TARGET_BYTES) {
    throw corrupt(`Cannot read link: its target has ${length} bytes, expected at most ${MOST_TARGET_BYTES}`, reader.at);
  }
  const target = reader.take(length).slice();
  const { xattr } = isLong ? take(reader, { xattr: [0, 'u32'] }, 4) : { xattr: NO_XATTR };
  return { target, sizeBytes: length, links: nlink, xattr: xattrOf(xattr) };
}

function readDevice(reader: MetadataReader, { isLong }: Kind): Details {
  const { nlink, rdev, xattr } = isLong
    ? take(reader, LONG_DEVICE, 12)
    : { ...take(reader, DEVICE, 8), xattr: NO_XATTR };
  return { sizeBytes: 0, links: nlink, xattr: xattrOf(xattr), device: splitDevice(rdev) };
}

function readIpc(reader: MetadataReader, { isLong }: Kind): Details {
  const { nlink, xattr } = isLong ? take(reader, LONG_IPC, 8) : { ...take(reader, IPC, 4), xattr: NO_XATTR };
  return { sizeBytes: 0, links: nlink, xattr: xattrOf(xattr) };
}

function xattrOf(index: number): number | undefined {
  return index === NO_XATTR ? undefined : index;
}

/** Users and groups share one table. */
function idOf(volume: SquashfsVolume, index: number): number {
  const { idTable: start, idCount: count } = volume.superblock;
  const bytes = tableEntry(volume, { what: 'user', start, count, entrySize: ID_SIZE }, index);
  return readFields(bytes, { id: [0, 'u32'] }).id;
}
