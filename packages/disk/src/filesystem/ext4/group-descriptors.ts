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
    const table = readInodeTable(this.#volume, group);
    this.#inodeTables.set(group, table);
    return table;
  }
}

function readInodeTable(volume: Ext4Volume, group: number): number {
  const { superblock } = volume;
  const { descriptorSize, blockSize, inodesPerGroup, inodeSize } = superblock;
  const perBlock = blockSize / descriptorSize;
  const block = descriptorBlock(superblock, Math.floor(group / perBlock));
  const within = (group % perBlock) * descriptorSize;
  const bytes = volume.metadata(block, within, descriptorSize);
  const place = { format: 'ext4', offset: volume.offsetOf(block) + within };
  checkChecksum(superblock, group, bytes, place.offset);
  const table = readFields(bytes, GROUP_DESCRIPTOR, place).bg_inode_table_lo + highHalf(bytes);
  volume.checkBlocks(table, Math.ceil((inodesPerGroup * inodeSize) / blockSize));
  return table;
}

function highHalf(bytes: Uint8Array): number {
  if (bytes.length < GROUP_DESCRIPTOR_64BIT_SIZE) return 0;
  return readFields(bytes, GROUP_DESCRIPTOR_64BIT).bg_inode_table_hi * 2 ** 32;
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
