import { crc32c } from '../../crc32c.ts';
import { readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import { Lru } from '../../lru.ts';
import { corrupt } from './corrupt.ts';
import { crc16 } from './crc16.ts';
import { has } from './features.ts';
import {
  BG_CHECKSUM,
  COMPAT,
  GROUP_DESCRIPTOR,
  GROUP_DESCRIPTOR_64BIT,
  GROUP_DESCRIPTOR_64BIT_SIZE,
  GROUP_DESCRIPTOR_SIZE,
  RO_COMPAT,
} from './layout.ts';
import type { Superblock } from './superblock.ts';
import type { Ext4Volume } from './volume.ts';

const KEPT_GROUPS = 65_536;

/** Where a group keeps what belongs to it. */
export interface GroupDescriptor {
  readonly blockBitmap: number;
  readonly inodeBitmap: number;
  /** The first block of its inode table. */
  readonly inodeTable: number;
  readonly flags: number;
  /** Of the bitmap of blocks: 32 bits, or 16 in short descriptors. */
  readonly blockBitmapChecksum: number;
  readonly isShort: boolean;
  /** Of the descriptor in the filesystem, for errors. */
  readonly offset: number;
}

/** Where each group keeps its inodes. Descriptors are read when asked for: a large disk has a megabyte of them. */
export class GroupDescriptors {
  readonly #volume: Ext4Volume;
  readonly #inodeTables = new Lru<number, number>(KEPT_GROUPS, () => 1);

  constructor(volume: Ext4Volume) {
    this.#volume = volume;
  }

  /** The first block of the group's inode table. */
  inodeTable(group: number): number {
    const known = this.#inodeTables.get(group);
    if (known !== undefined) return known;
    const { inodeTable } = this.descriptor(group);
    const { inodesPerGroup, inodeSize, blockSize } = this.#volume.superblock;
    this.#volume.checkBlocks(inodeTable, Math.ceil((inodesPerGroup * inodeSize) / blockSize));
    this.#inodeTables.set(group, inodeTable);
    return inodeTable;
  }

  descriptor(group: number): GroupDescriptor {
    const { superblock } = this.#volume;
    const { descriptorSize, blockSize } = superblock;
    const perBlock = blockSize / descriptorSize;
    const block = descriptorBlock(superblock, Math.floor(group / perBlock));
    const within = (group % perBlock) * descriptorSize;
    const bytes = this.#volume.metadata(block, within, descriptorSize);
    const offset = this.#volume.offsetOf(block) + within;
    checkChecksum(superblock, group, bytes, offset);
    return interpret(bytes, offset);
  }
}

const NO_HIGH_HALVES = {
  bg_block_bitmap_hi: 0,
  bg_inode_bitmap_hi: 0,
  bg_inode_table_hi: 0,
  bg_block_bitmap_csum_hi: 0,
};

function interpret(bytes: Uint8Array, offset: number): GroupDescriptor {
  const low = readFields(bytes, GROUP_DESCRIPTOR, { format: 'ext4', offset });
  const isShort = bytes.length < GROUP_DESCRIPTOR_64BIT_SIZE;
  const high = isShort ? NO_HIGH_HALVES : readFields(bytes, GROUP_DESCRIPTOR_64BIT);
  return {
    blockBitmap: low.bg_block_bitmap_lo + high.bg_block_bitmap_hi * 2 ** 32,
    inodeBitmap: low.bg_inode_bitmap_lo + high.bg_inode_bitmap_hi * 2 ** 32,
    inodeTable: low.bg_inode_table_lo + high.bg_inode_table_hi * 2 ** 32,
    flags: low.bg_flags,
    blockBitmapChecksum: low.bg_block_bitmap_csum_lo + high.bg_block_bitmap_csum_hi * 2 ** 16,
    isShort,
    offset,
  };
}

/** How many blocks at the start of a group hold copies of the superblock and of descriptors, or room for these. */
export function copyBlocks(superblock: Superblock, group: number): number {
  const { groupCount, blockSize, descriptorSize, firstMetaGroup, reservedDescriptorBlocks } = superblock;
  const perBlock = blockSize / descriptorSize;
  const copies = hasSuperblock(superblock, group) ? 1 : 0;
  if (Math.floor(group / perBlock) < firstMetaGroup) {
    const descriptors = Math.min(Math.ceil(groupCount / perBlock), firstMetaGroup);
    return copies === 0 ? 0 : 1 + descriptors + reservedDescriptorBlocks;
  }
  // with meta_bg the first, second and last of the groups that a block describes have that block
  return copies + ([0, 1, perBlock - 1].includes(group % perBlock) ? 1 : 0);
}

/** The block that holds the nth block's worth of descriptors: in one row behind the superblock, or with meta_bg near what it describes. */
function descriptorBlock(superblock: Superblock, nth: number): number {
  const { blockSize, firstDataBlock, firstMetaGroup, blocksPerGroup, descriptorSize } = superblock;
  const superblockBlock = blockSize === 1024 ? 1 : 0;
  if (nth < firstMetaGroup) return superblockBlock + 1 + nth;
  const group = nth * (blockSize / descriptorSize);
  const start = firstDataBlock + group * blocksPerGroup;
  // bigalloc with 1 KiB blocks counts from block 0, where the boot sector is, and not the superblock
  const bootBlock = group === 0 && blockSize === 1024 && firstDataBlock === 0 ? 1 : 0;
  return start + bootBlock + (hasSuperblock(superblock, group) ? 1 : 0);
}

/** Groups that begin with a copy of the superblock. */
function hasSuperblock({ features, backupGroups }: Superblock, group: number): boolean {
  if (group === 0) return true;
  if (has(features.compat, COMPAT.SPARSE_SUPER2)) return backupGroups.includes(group);
  if (group === 1 || !has(features.roCompat, RO_COMPAT.SPARSE_SUPER)) return true;
  return [3, 5, 7].some((base) => isPowerOf(base, group));
}

function isPowerOf(base: number, value: number): boolean {
  let power = base;
  while (power < value) power *= base;
  return power === value;
}

function checkChecksum(superblock: Superblock, group: number, bytes: Uint8Array, offset: number): void {
  const computed = checksumOf(superblock, group, bytes);
  const stored = readFields(bytes, GROUP_DESCRIPTOR).bg_checksum;
  if (computed === undefined || computed === stored) return;
  const state = `bg_checksum is ${hex(stored)}, computed ${hex(computed)}`;
  throw corrupt(`Cannot read descriptor of group ${group}: ${state}`, offset + BG_CHECKSUM);
}

/** The newer feature wins where both are set. */
function checksumOf(superblock: Superblock, group: number, bytes: Uint8Array): number | undefined {
  const { checksumSeed, features, uuidBytes } = superblock;
  const number = new Uint8Array(Uint32Array.of(group).buffer);
  const before = bytes.subarray(0, BG_CHECKSUM);
  const after = bytes.subarray(GROUP_DESCRIPTOR_SIZE);
  if (checksumSeed !== undefined) {
    const parts = [number, before, new Uint8Array(2), after];
    return parts.reduce(crc32c, checksumSeed) & 0xffff;
  }
  if (!has(features.roCompat, RO_COMPAT.GDT_CSUM)) return undefined;
  return [uuidBytes, number, before, after].reduce(crc16, 0xffff);
}
