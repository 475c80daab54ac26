import { DiskError } from '../../error.ts';
import { readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { COMPRESSIONS, type Compression } from './compression.ts';
import { corrupt } from './error.ts';
import { LEAST_BLOCK_LOG, MAGIC, MOST_BLOCK_LOG, NO_TABLE, SUPERBLOCK, SUPERBLOCK_SIZE } from './layout.ts';

const FORMAT = 'squashfs';

export interface Superblock {
  readonly inodeCount: number;
  readonly createdAtSeconds: number;
  readonly blockSize: number;
  readonly fragmentCount: number;
  readonly compression: Compression;
  readonly idCount: number;
  /** Where the root's inode is: a block of the inode table, and an offset in it. */
  readonly root: MetadataPlace;
  readonly bytesUsed: number;
  readonly idTable: number;
  readonly xattrTable: number | undefined;
  readonly inodeTable: number;
  readonly folderTable: number;
  readonly fragmentTable: number | undefined;
}

/** A place in a table: where its metadata block begins, from the start of the table, and an offset in what that holds. */
export interface MetadataPlace {
  readonly block: number;
  readonly offset: number;
}

export function readSuperblock(source: ByteSource): Superblock {
  const bytes = source.read(0, Math.min(SUPERBLOCK_SIZE, source.sizeBytes));
  const fields = readFields(bytes, SUPERBLOCK, { format: FORMAT, offset: 0 });
  if (fields.magic !== MAGIC) throw corrupt(`Cannot read superblock: magic is ${hex(fields.magic)}`, 0);
  checkVersion(fields);
  return {
    inodeCount: fields.inode_count,
    createdAtSeconds: fields.mkfs_time,
    blockSize: blockSizeOf(fields),
    fragmentCount: fields.fragments,
    compression: compressionOf(fields.compression),
    idCount: fields.id_count,
    root: placeOf(fields.root_inode),
    bytesUsed: fields.bytes_used,
    idTable: fields.id_table_start,
    xattrTable: optional(fields.xattr_id_table_start),
    inodeTable: fields.inode_table_start,
    folderTable: fields.directory_table_start,
    fragmentTable: optional(fields.fragment_table_start),
  };
}

/** A reference as inodes and attributes have it: 48 bits of block, 16 bits of offset. */
export function placeOf(reference: bigint): MetadataPlace {
  return { block: Number((reference >> 16n) & 0xffff_ffff_ffffn), offset: Number(reference & 0xffffn) };
}

function checkVersion({ s_major, s_minor }: { readonly s_major: number; readonly s_minor: number }): void {
  if (s_major === 4 && s_minor === 0) return;
  const message = `Cannot open filesystem: version is ${s_major}.${s_minor}, expected 4.0`;
  throw new DiskError('unsupported', message, { format: FORMAT, offset: SUPERBLOCK.s_major[0] });
}

function blockSizeOf({ block_size, block_log }: { readonly block_size: number; readonly block_log: number }): number {
  const isKnown = block_log >= LEAST_BLOCK_LOG && block_log <= MOST_BLOCK_LOG && block_size === 2 ** block_log;
  if (isKnown) return block_size;
  const state = `block size is ${block_size}, and 2^${block_log}, expected one of 2^12 to 2^20`;
  throw corrupt(`Cannot read superblock: ${state}`, SUPERBLOCK.block_size[0]);
}

function compressionOf(id: number): Compression {
  const compression = COMPRESSIONS[id];
  if (compression !== undefined) return compression;
  const message = `Cannot open filesystem: compression is of kind ${id}, expected 1 to ${COMPRESSIONS.length - 1}`;
  throw new DiskError('unsupported', message, { format: FORMAT, offset: SUPERBLOCK.compression[0] });
}

function optional(start: bigint): number | undefined {
  if (start === NO_TABLE) return undefined;
  if (start <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(start);
  throw corrupt(`Cannot read superblock: a table is at ${start}, above 2^53`, SUPERBLOCK.xattr_id_table_start[0]);
}
