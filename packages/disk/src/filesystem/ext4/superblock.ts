import { crc32c } from '../../crc32c.ts';
import { DiskError } from '../../error.ts';
import { type Fields, readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { corrupt } from './corrupt.ts';
import { checkFeatures, type Features, has, typeOf } from './features.ts';
import {
  CHECKSUM_CRC32C,
  GOOD_OLD_FIRST_INODE,
  GOOD_OLD_INODE_SIZE,
  GROUP_DESCRIPTOR_64BIT_SIZE,
  GROUP_DESCRIPTOR_SIZE,
  INCOMPAT,
  MAX_LOG_BLOCK_SIZE,
  RO_COMPAT,
  S_CHECKSUM,
  S_UUID,
  S_VOLUME_NAME,
  SUPERBLOCK,
  SUPERBLOCK_MAGIC,
  SUPERBLOCK_OFFSET,
  SUPERBLOCK_SIZE,
} from './layout.ts';

/** What the superblock says, checked: the geometry holds together and every feature can be read. */
export interface Superblock {
  /** `ext2`, `ext3`, `ext4`. */
  readonly type: string;
  readonly label: string | undefined;
  readonly uuid: string | undefined;
  readonly uuidBytes: Uint8Array;
  readonly features: Features;
  readonly blockSize: number;
  readonly blockCount: number;
  readonly freeBlocks: number;
  readonly firstDataBlock: number;
  readonly clusterSize: number;
  readonly blocksPerGroup: number;
  readonly groupCount: number;
  readonly inodeCount: number;
  readonly inodesPerGroup: number;
  readonly inodeSize: number;
  readonly firstInode: number;
  readonly descriptorSize: number;
  readonly firstMetaGroup: number;
  /** Kept behind the descriptors, for more of them. */
  readonly reservedDescriptorBlocks: number;
  /** The two groups with a copy of the superblock, under sparse_super2. */
  readonly backupGroups: readonly [number, number];
  readonly creator: number;
  readonly state: number;
  readonly errorCount: number;
  readonly lastOrphan: number;
  /** 0 when the journal is on another device. */
  readonly journalInode: number;
  /** Where every metadata checksum starts from; `undefined` when there are none. */
  readonly checksumSeed: number | undefined;
}

type Raw = Fields<typeof SUPERBLOCK>;

export function readSuperblock(source: ByteSource): Superblock {
  if (source.sizeBytes < SUPERBLOCK_OFFSET + SUPERBLOCK_SIZE) {
    throw corrupt(`Cannot read superblock: there are ${hex(source.sizeBytes)} bytes, expected 0x800`, source.sizeBytes);
  }
  const bytes = source.read(SUPERBLOCK_OFFSET, SUPERBLOCK_SIZE);
  const raw = readFields(bytes, SUPERBLOCK, { format: 'ext4', offset: SUPERBLOCK_OFFSET });
  if (raw.s_magic !== SUPERBLOCK_MAGIC) throw wrong('s_magic', `it is ${hex(raw.s_magic)}, expected 0xef53`);
  const features = featuresOf(raw);
  checkFeatures(features.incompat);
  checkChecksum(raw, bytes);
  const superblock = interpret(raw, bytes, features);
  checkGeometry(superblock, raw);
  return superblock;
}

/** Revision 0 has no feature words: what lies there is padding. */
function featuresOf(raw: Raw): Features {
  if (raw.s_rev_level === 0) return { compat: 0, incompat: 0, roCompat: 0 };
  return { compat: raw.s_feature_compat, incompat: raw.s_feature_incompat, roCompat: raw.s_feature_ro_compat };
}

function checkChecksum(raw: Raw, bytes: Uint8Array): void {
  if (!has(featuresOf(raw).roCompat, RO_COMPAT.METADATA_CSUM)) return;
  if (raw.s_checksum_type !== CHECKSUM_CRC32C) {
    const place = { format: 'ext4', offset: SUPERBLOCK_OFFSET + SUPERBLOCK.s_checksum_type[0] };
    throw new DiskError('unsupported', `Cannot open filesystem: unknown checksum type ${raw.s_checksum_type}`, place);
  }
  const computed = crc32c(0xffffffff, bytes.subarray(0, S_CHECKSUM));
  if (computed !== raw.s_checksum) throw wrong('s_checksum', `it is ${hex(raw.s_checksum)}, computed ${hex(computed)}`);
}

function interpret(raw: Raw, bytes: Uint8Array, features: Features): Superblock {
  if (raw.s_log_block_size > MAX_LOG_BLOCK_SIZE) {
    throw wrong('s_log_block_size', `it is ${raw.s_log_block_size}, expected at most ${MAX_LOG_BLOCK_SIZE}`);
  }
  const blockSize = 1024 << raw.s_log_block_size;
  const is64Bit = has(features.incompat, INCOMPAT['64BIT']);
  const blockCount = raw.s_blocks_count_lo + (is64Bit ? raw.s_blocks_count_hi * 2 ** 32 : 0);
  const uuidBytes = bytes.slice(S_UUID, S_UUID + 16);
  return {
    type: typeOf(features, raw.s_flags),
    label: textOf(bytes.subarray(S_VOLUME_NAME, S_VOLUME_NAME + 16)),
    uuid: uuidOf(uuidBytes),
    uuidBytes,
    features,
    blockSize,
    blockCount,
    freeBlocks: raw.s_free_blocks_count_lo + (is64Bit ? raw.s_free_blocks_count_hi * 2 ** 32 : 0),
    firstDataBlock: raw.s_first_data_block,
    clusterSize: clusterSizeOf(raw, features, blockSize),
    blocksPerGroup: raw.s_blocks_per_group,
    groupCount: Math.ceil((blockCount - raw.s_first_data_block) / raw.s_blocks_per_group),
    inodeCount: raw.s_inodes_count,
    inodesPerGroup: raw.s_inodes_per_group,
    inodeSize: raw.s_rev_level === 0 ? GOOD_OLD_INODE_SIZE : raw.s_inode_size,
    firstInode: raw.s_rev_level === 0 ? GOOD_OLD_FIRST_INODE : raw.s_first_ino,
    descriptorSize: is64Bit ? raw.s_desc_size : GROUP_DESCRIPTOR_SIZE,
    firstMetaGroup: has(features.incompat, INCOMPAT.META_BG) ? raw.s_first_meta_bg : Number.POSITIVE_INFINITY,
    reservedDescriptorBlocks: raw.s_reserved_gdt_blocks,
    backupGroups: [raw.s_backup_bgs_0, raw.s_backup_bgs_1],
    creator: raw.s_creator_os,
    state: raw.s_state,
    errorCount: raw.s_error_count,
    lastOrphan: raw.s_last_orphan,
    journalInode: raw.s_journal_inum,
    checksumSeed: seedOf(raw, features, uuidBytes),
  };
}

function textOf(bytes: Uint8Array): string | undefined {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end)) || undefined;
}

function uuidOf(bytes: Uint8Array): string | undefined {
  if (bytes.every((byte) => byte === 0)) return undefined;
  return bytes.toHex().replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

function clusterSizeOf(raw: Raw, features: Features, blockSize: number): number {
  if (!has(features.roCompat, RO_COMPAT.BIGALLOC)) return blockSize;
  // the kernel's bound: 2^30 bytes
  if (raw.s_log_cluster_size > 20) throw wrong('s_log_cluster_size', `it is ${raw.s_log_cluster_size}`);
  return 1024 << raw.s_log_cluster_size;
}

function seedOf(raw: Raw, features: Features, uuid: Uint8Array): number | undefined {
  if (!has(features.roCompat, RO_COMPAT.METADATA_CSUM)) return undefined;
  return has(features.incompat, INCOMPAT.CSUM_SEED) ? raw.s_checksum_seed : crc32c(0xffffffff, uuid);
}

/** What the rest of the reader relies on: nothing divides by zero, and no table is larger than its kind allows. */
function checkGeometry(superblock: Superblock, raw: Raw): void {
  const { blockSize, blockCount, firstDataBlock, clusterSize, groupCount, inodesPerGroup, inodeSize } = superblock;
  const bitsPerBlock = blockSize * 8;
  ensure(blockCount <= Number.MAX_SAFE_INTEGER / blockSize, 's_blocks_count_lo', `${blockCount} blocks are too many`);
  ensure(firstDataBlock < blockCount, 's_first_data_block', `it is ${firstDataBlock} of ${blockCount} blocks`);
  ensure(clusterSize >= blockSize, 's_log_cluster_size', 'clusters are smaller than blocks');
  ensure(
    inRange(superblock.blocksPerGroup, 1, bitsPerBlock * (clusterSize / blockSize)),
    's_blocks_per_group',
    `it is ${superblock.blocksPerGroup} with blocks of ${blockSize} bytes`,
  );
  ensure(inRange(inodesPerGroup, 1, bitsPerBlock), 's_inodes_per_group', `it is ${inodesPerGroup}`);
  ensure(
    inRange(raw.s_inodes_count, ROOT_AND_BAD_BLOCKS, groupCount * inodesPerGroup),
    's_inodes_count',
    `it is ${raw.s_inodes_count} in ${groupCount} groups of ${inodesPerGroup}`,
  );
  ensure(isPowerOfTwo(inodeSize) && inRange(inodeSize, GOOD_OLD_INODE_SIZE, blockSize), 's_inode_size', `${inodeSize}`);
  ensure(superblock.firstInode >= GOOD_OLD_FIRST_INODE, 's_first_ino', `it is ${superblock.firstInode}`);
  checkDescriptorSize(superblock);
}

const ROOT_AND_BAD_BLOCKS = 2;

function checkDescriptorSize({ features, descriptorSize }: Superblock): void {
  if (!has(features.incompat, INCOMPAT['64BIT'])) return;
  const fits = isPowerOfTwo(descriptorSize) && inRange(descriptorSize, GROUP_DESCRIPTOR_64BIT_SIZE, 1024);
  ensure(fits, 's_desc_size', `it is ${descriptorSize}, expected a power of two from 64 to 1024`);
}

function ensure(holds: boolean, field: keyof typeof SUPERBLOCK, state: string): void {
  if (!holds) throw wrong(field, state);
}

function wrong(field: keyof typeof SUPERBLOCK, state: string): DiskError {
  return corrupt(`Cannot read superblock: bad ${field}: ${state}`, SUPERBLOCK_OFFSET + SUPERBLOCK[field][0]);
}

function inRange(value: number, least: number, most: number): boolean {
  return value >= least && value <= most;
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && (value & (value - 1)) === 0;
}
