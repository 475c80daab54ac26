import { type Fields, readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import type { FileStat, FileType } from '../file-system.ts';
import { permissionsOfMode, splitDevice, typeOfMode } from '../unix-mode.ts';
import { corrupt } from './corrupt.ts';
import { has } from './features.ts';
import type { GroupDescriptors } from './group-descriptors.ts';
import { checkInodeChecksum, inodeSeed } from './inode-checksum.ts';
import { inodeTimes } from './inode-time.ts';
import {
  CREATOR_HURD,
  GOOD_OLD_INODE_SIZE,
  I_BLOCK,
  I_BLOCK_SIZE,
  I_EXTRA_ISIZE,
  INCOMPAT,
  INODE,
  ROOT_INODE,
  XATTR_MAGIC,
} from './layout.ts';
import type { Superblock } from './superblock.ts';
import type { Ext4Volume } from './volume.ts';

const NOTHING = new Uint8Array();

/** An inode as stored: checked against its checksum, its content not yet looked at. */
export interface Inode {
  readonly number: number;
  /** Where it is in the filesystem, for errors. */
  readonly offset: number;
  readonly stat: FileStat;
  readonly flags: number;
  /** In 512-byte sectors, or in blocks when the inode says so: only zero or not matters here. */
  readonly allocated: number;
  /** Block of extended attributes, 0 for none. */
  readonly xattrBlock: number;
  /** The 60 bytes that hold block pointers, an extent root, a short link, a device number or inline content. */
  readonly blockArea: Uint8Array;
  /** What lies behind the fixed fields: extended attributes. Empty where there are none. */
  readonly tail: Uint8Array;
  /** Where the checksums of its extent blocks and folder blocks start from. */
  readonly checksumSeed: number | undefined;
}

/** The bytes of an inode, not yet looked at, and where in the filesystem they are. */
export interface RawInode {
  readonly number: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** The fields of an inode, and how many of its bytes behind the first 128 are fields. */
export interface StoredInode extends RawInode {
  readonly fields: Fields<typeof INODE>;
  readonly extraSize: number;
}

export function readInode(volume: Ext4Volume, groups: GroupDescriptors, number: number): Inode {
  const { superblock } = volume;
  const stored = storedInode(readRawInode(volume, groups, number));
  checkInodeChecksum(superblock, stored, inodeSeed(superblock, number, stored.fields.i_generation));
  return interpretInode(superblock, stored);
}

/** The bytes of an inode that may never have been written: those of the cache, not to be changed. */
export function readRawInode(volume: Ext4Volume, groups: GroupDescriptors, number: number): RawInode {
  const { inodeSize, inodesPerGroup, inodeCount, blockSize } = volume.superblock;
  if (!(number >= 1 && number <= inodeCount)) throw corrupt(`Cannot read inode ${number}: there are ${inodeCount}`, 0);
  const table = groups.inodeTable(Math.floor((number - 1) / inodesPerGroup));
  const position = ((number - 1) % inodesPerGroup) * inodeSize;
  const block = table + Math.floor(position / blockSize);
  const bytes = volume.metadata(block, position % blockSize, inodeSize);
  return { number, offset: volume.offsetOf(block) + (position % blockSize), bytes };
}

/** Whether an inode is one that users of the filesystem see: the root, or one behind the reserved inodes. */
export function isUserInode({ firstInode, inodeCount }: Superblock, number: number): boolean {
  return number === ROOT_INODE || (number >= firstInode && number <= inodeCount);
}

export function storedInode({ number, offset, bytes }: RawInode): StoredInode {
  const fields = readFields(bytes, INODE, { format: 'ext4', offset });
  return { number, offset, bytes, fields, extraSize: extraSizeOf(number, offset, bytes) };
}

function extraSizeOf(number: number, offset: number, bytes: Uint8Array): number {
  if (bytes.length <= GOOD_OLD_INODE_SIZE) return 0;
  const size = readFields(bytes, { i_extra_isize: [I_EXTRA_ISIZE, 'u16'] }).i_extra_isize;
  const most = bytes.length - GOOD_OLD_INODE_SIZE;
  if (size <= most && size % 4 === 0) return size;
  const state = `i_extra_isize is ${size}, expected a multiple of 4 up to ${most}`;
  throw corrupt(`Cannot read inode ${number}: ${state}`, offset + I_EXTRA_ISIZE);
}

/** @throws DiskError `corrupt` when there is no such type, or the inode was deleted */
export function interpretInode(superblock: Superblock, stored: StoredInode): Inode {
  const { number, offset, bytes, fields, extraSize } = stored;
  // a copy: the block it came from would be kept alive by every inode in it
  const blockArea = bytes.slice(I_BLOCK, I_BLOCK + I_BLOCK_SIZE);
  return {
    number,
    offset,
    stat: statOf(superblock, stored, blockArea),
    flags: fields.i_flags,
    allocated: fields.i_blocks_lo + fields.l_i_blocks_high * 2 ** 32,
    xattrBlock: xattrBlockOf(superblock, fields),
    blockArea,
    tail: tailOf(bytes, GOOD_OLD_INODE_SIZE + extraSize),
    checksumSeed: inodeSeed(superblock, number, fields.i_generation),
  };
}

function tailOf(bytes: Uint8Array, start: number): Uint8Array {
  const hasXattrs = start + 4 <= bytes.length && readFields(bytes, { magic: [start, 'u32'] }).magic === XATTR_MAGIC;
  return hasXattrs ? bytes.slice(start) : NOTHING;
}

function xattrBlockOf({ features, creator }: Superblock, fields: StoredInode['fields']): number {
  // the Hurd keeps something else in the high half
  const isWide = has(features.incompat, INCOMPAT['64BIT']) && creator !== CREATOR_HURD;
  return fields.i_file_acl_lo + (isWide ? fields.l_i_file_acl_high * 2 ** 32 : 0);
}

function statOf(superblock: Superblock, stored: StoredInode, blockArea: Uint8Array): FileStat {
  const { number, fields } = stored;
  const type = typeOf(stored);
  return {
    type,
    mode: permissionsOfMode(fields.i_mode),
    uid: fields.i_uid + fields.l_i_uid_high * 2 ** 16,
    gid: fields.i_gid + fields.l_i_gid_high * 2 ** 16,
    sizeBytes: sizeOf(superblock, stored, type),
    links: linksOf(stored),
    inode: number,
    ...inodeTimes(stored),
    ...(type === 'character' || type === 'block' ? { device: deviceOf(blockArea) } : {}),
  };
}

function typeOf({ number, offset, fields }: StoredInode): FileType {
  const type = typeOfMode(fields.i_mode);
  if (type === undefined) throw corrupt(`Cannot read inode ${number}: bad i_mode ${hex(fields.i_mode)}`, offset);
  return type;
}

function sizeOf({ features }: Superblock, { number, offset, fields }: StoredInode, type: FileType): number {
  const isWide = type === 'file' || has(features.incompat, INCOMPAT.LARGEDIR);
  const size = fields.i_size_lo + (isWide ? fields.i_size_high * 2 ** 32 : 0);
  if (Number.isSafeInteger(size)) return size;
  throw corrupt(`Cannot read inode ${number}: its size is above 2^53 bytes`, offset + INODE.i_size_high[0]);
}

function linksOf({ number, offset, fields }: StoredInode): number {
  if (fields.i_links_count > 0) return fields.i_links_count;
  throw corrupt(`Cannot read inode ${number}: it was deleted, yet it is named`, offset + INODE.i_links_count[0]);
}

/** The old encoding has one byte for each number, the new one 12 and 20 bits; the first word is 0 where the new one is used. */
function deviceOf(blockArea: Uint8Array): { readonly major: number; readonly minor: number } {
  const { old, new: device } = readFields(blockArea, { old: [0, 'u32'], new: [4, 'u32'] });
  if (old !== 0) return { major: (old >>> 8) & 0xff, minor: old & 0xff };
  return splitDevice(device);
}
