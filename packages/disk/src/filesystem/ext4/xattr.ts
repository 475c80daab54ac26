import { crc32c } from '../../crc32c.ts';
import { type Fields, readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import { decodeName } from '../name.ts';
import { corrupt } from './corrupt.ts';
import type { Inode } from './inode.ts';
import { XATTR_BLOCK_CHECKSUM, XATTR_BLOCK_HEADER_SIZE, XATTR_ENTRY, XATTR_ENTRY_SIZE, XATTR_MAGIC } from './layout.ts';
import type { Ext4Volume } from './volume.ts';

const PREFIXES: ReadonlyMap<number, string> = new Map([
  [0, ''],
  [1, 'user.'],
  [2, 'system.posix_acl_access'],
  [3, 'system.posix_acl_default'],
  [4, 'trusted.'],
  [6, 'security.'],
  [7, 'system.'],
  [8, 'system.richacl'],
  [9, 'encryption.'],
  [10, 'gnu.'],
]);
/** Attributes that the filesystem keeps for itself: inline content, the key of what is encrypted. The kernel lists none of them. */
const INTERNAL: ReadonlySet<number> = new Set([0, 7, 8, 9]);
const ACCESS_LISTS: ReadonlySet<number> = new Set([2, 3]);
const MAGIC_SIZE = 4;

export interface Xattr {
  readonly name: string;
  readonly isInternal: boolean;
  readonly isAccessList: boolean;
  /** Where the value is kept when it is too large: an inode of its own. */
  readonly valueInode: number;
  readonly valueSize: number;
  /** Empty when it is in an inode of its own. */
  readonly value: Uint8Array;
}

/** A run of entries that grow upwards, and of values that grow downwards; both in the same bytes. */
interface XattrArea {
  readonly bytes: Uint8Array;
  readonly firstEntry: number;
  /** What offsets of values count from. */
  readonly valueBase: number;
  /** Of the bytes in the filesystem, for errors. */
  readonly offset: number;
}

/** Attributes in the inode, then those in its block, as far as they are for users of the filesystem. */
export function* readXattrs(volume: Ext4Volume, inode: Inode): Generator<Xattr> {
  for (const xattr of readInodeXattrs(inode)) if (!xattr.isInternal) yield xattr;
  if (inode.xattrBlock === 0) return;
  for (const xattr of entriesOf(blockArea(volume, inode))) if (!xattr.isInternal) yield xattr;
}

/** Attributes in the inode itself, where inline content must be. */
export function* readInodeXattrs({ tail, offset }: Inode): Generator<Xattr> {
  if (tail.length < MAGIC_SIZE || readFields(tail, { magic: [0, 'u32'] }).magic !== XATTR_MAGIC) return;
  yield* entriesOf({ bytes: tail, firstEntry: MAGIC_SIZE, valueBase: MAGIC_SIZE, offset });
}

function blockArea(volume: Ext4Volume, { xattrBlock, number }: Inode): XattrArea {
  const bytes = volume.block(xattrBlock);
  const offset = volume.offsetOf(xattrBlock);
  const { magic, checksum } = readFields(bytes, { magic: [0, 'u32'], checksum: [XATTR_BLOCK_CHECKSUM, 'u32'] });
  if (magic !== XATTR_MAGIC) {
    throw corrupt(`Cannot read attributes of inode ${number}: h_magic is ${hex(magic)}`, offset);
  }
  const computed = checksumOf(volume, xattrBlock, bytes);
  if (computed !== undefined && computed !== checksum) {
    const state = `h_checksum is ${hex(checksum)}, computed ${hex(computed)}`;
    throw corrupt(`Cannot read attributes of inode ${number}: ${state}`, offset + XATTR_BLOCK_CHECKSUM);
  }
  return { bytes, firstEntry: XATTR_BLOCK_HEADER_SIZE, valueBase: 0, offset };
}

/** A block may belong to many inodes, so its number is what seeds the checksum. */
function checksumOf({ superblock }: Ext4Volume, block: number, bytes: Uint8Array): number | undefined {
  if (superblock.checksumSeed === undefined) return undefined;
  const number = new Uint8Array(BigUint64Array.of(BigInt(block)).buffer);
  const after = bytes.subarray(XATTR_BLOCK_CHECKSUM + 4);
  return [number, bytes.subarray(0, XATTR_BLOCK_CHECKSUM), new Uint8Array(4), after].reduce(
    crc32c,
    superblock.checksumSeed,
  );
}

function* entriesOf(area: XattrArea): Generator<Xattr> {
  const { bytes, offset } = area;
  let position = area.firstEntry;
  // four zero bytes end the list; an area that is full to the brim has no room for them
  while (position + 4 <= bytes.length && readFields(bytes.subarray(position), { word: [0, 'u32'] }).word !== 0) {
    const entry = readFields(bytes.subarray(position), XATTR_ENTRY, { format: 'ext4', offset: offset + position });
    yield xattrOf(area, position, entry);
    position += roundUp(XATTR_ENTRY_SIZE + entry.e_name_len);
  }
}

function xattrOf(area: XattrArea, position: number, entry: Fields<typeof XATTR_ENTRY>): Xattr {
  const { bytes, valueBase, offset } = area;
  const nameEnd = position + XATTR_ENTRY_SIZE + entry.e_name_len;
  const valueStart = valueBase + entry.e_value_offs;
  const valueSize = entry.e_value_size;
  const isElsewhere = entry.e_value_inum !== 0;
  if (nameEnd > bytes.length || (!isElsewhere && valueSize > 0 && valueStart + valueSize > bytes.length)) {
    throw corrupt('Cannot read extended attribute: it reaches past its area', offset + position);
  }
  return {
    name: nameOf(entry.e_name_index, bytes.subarray(position + XATTR_ENTRY_SIZE, nameEnd)),
    isInternal: INTERNAL.has(entry.e_name_index),
    isAccessList: ACCESS_LISTS.has(entry.e_name_index),
    valueInode: entry.e_value_inum,
    valueSize,
    value: isElsewhere ? new Uint8Array() : bytes.subarray(valueStart, valueStart + valueSize),
  };
}

function nameOf(index: number, suffix: Uint8Array): string {
  return (PREFIXES.get(index) ?? `unknown-${index}.`) + decodeName(suffix);
}

function roundUp(size: number): number {
  return (size + 3) & ~3;
}
