import { DiskError } from '../../error.ts';
import { type Fields, readFields } from '../../fields.ts';
import { readUuid } from '../../guid.ts';
import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { toLabel } from '../signature/format.ts';
import { checksumOf } from './checksum.ts';
import { corrupt } from './corrupt.ts';
import { checkFeatures, has } from './features.ts';
import {
  FEATURES2,
  INCOMPAT,
  MAX_BLOCK_LOG,
  MAX_GROUP_LOG,
  MAX_INODE_LOG,
  MAX_SECTOR_LOG,
  MIN_BLOCK_LOG,
  MIN_INODE_LOG,
  SB_FNAME,
  SB_META_UUID,
  SB_UUID,
  SUPERBLOCK,
  SUPERBLOCK_MAGIC,
  SUPERBLOCK_SELF,
  SUPERBLOCK_SIZE,
  VERSION,
  VERSION_NUMBER,
} from './layout.ts';

/** What the superblock says, checked: the geometry holds together and every feature can be read. */
export interface Superblock {
  /** 4, or 5 with checksums. */
  readonly version: 4 | 5;
  readonly label: string | undefined;
  readonly uuid: string;
  /** The one that metadata blocks carry: it stays when the filesystem is given another. */
  readonly metaUuid: Uint8Array;
  readonly sectorSize: number;
  readonly blockSize: number;
  readonly blockCount: number;
  readonly freeBlocks: number;
  readonly groupBlocks: number;
  readonly groupCount: number;
  /** How many bits of a block number count within its group. */
  readonly groupBlockBits: number;
  readonly inodeSize: number;
  readonly inodesPerBlock: number;
  readonly rootInode: number;
  readonly directoryBlockSize: number;
  readonly hasEntryTypes: boolean;
  readonly isCaseSensitive: boolean;
  /** The number of the log's first block, 0 when it is on another device. */
  readonly logStart: number;
  readonly logBlocks: number;
  readonly logIncompat: number;
}

type Raw = Fields<typeof SUPERBLOCK>;

export function readSuperblock(source: ByteSource): Superblock {
  if (source.sizeBytes < SUPERBLOCK_SIZE) {
    throw corrupt(`Cannot read superblock: there are ${hex(source.sizeBytes)} bytes, expected 0x200`, source.sizeBytes);
  }
  const bytes = source.read(0, SUPERBLOCK_SIZE);
  const raw = readFields(bytes, SUPERBLOCK, { format: 'xfs', offset: 0 });
  ensure(raw.sb_magicnum === SUPERBLOCK_MAGIC, 'sb_magicnum', `it is ${hex(raw.sb_magicnum)}`);
  const version = versionOf(raw);
  if (version === 5) checkFeatures(raw.sb_features_incompat);
  checkGeometry(raw);
  if (version === 5) checkChecksum(raw, source);
  ensure(raw.sb_inprogress === 0, 'sb_inprogress', 'the filesystem was not made to the end');
  return interpret(raw, version, bytes);
}

function versionOf(raw: Raw): 4 | 5 {
  const version = raw.sb_versionnum & VERSION_NUMBER;
  if (version !== 4 && version !== 5) throw refuse(`version ${version}`);
  if (!has(raw.sb_versionnum, VERSION.DIRV2)) throw refuse('version 1 of folders');
  return version;
}

function refuse(what: string): DiskError {
  const place = { format: 'xfs', offset: SUPERBLOCK.sb_versionnum[0] };
  return new DiskError('unsupported', `Cannot open filesystem: ${what} cannot be read, expected version 4 or 5`, place);
}

function checkChecksum(raw: Raw, source: ByteSource): void {
  const computed = checksumOf(source.read(0, Math.min(raw.sb_sectsize, source.sizeBytes)), SUPERBLOCK_SELF.crc);
  ensure(computed === raw.sb_crc, 'sb_crc', `it is ${hex(raw.sb_crc)}, computed ${hex(computed)}`);
}

function interpret(raw: Raw, version: 4 | 5, bytes: Uint8Array): Superblock {
  const has4 = (bit: number) => has(raw.sb_versionnum, VERSION.MOREBITS) && has(features2Of(raw), bit);
  const has5 = (bit: number) => has(raw.sb_features_incompat, bit);
  const metaUuidAt = version === 5 && has5(INCOMPAT.META_UUID) ? SB_META_UUID : SB_UUID;
  return {
    version,
    label: toLabel(bytes.subarray(SB_FNAME, SB_FNAME + 12)),
    uuid: readUuid(bytes, SB_UUID),
    metaUuid: bytes.slice(metaUuidAt, metaUuidAt + 16),
    sectorSize: raw.sb_sectsize,
    blockSize: raw.sb_blocksize,
    blockCount: raw.sb_dblocks,
    freeBlocks: raw.sb_fdblocks,
    groupBlocks: raw.sb_agblocks,
    groupCount: raw.sb_agcount,
    groupBlockBits: raw.sb_agblklog,
    inodeSize: raw.sb_inodesize,
    inodesPerBlock: raw.sb_inopblock,
    rootInode: raw.sb_rootino,
    directoryBlockSize: raw.sb_blocksize * 2 ** raw.sb_dirblklog,
    hasEntryTypes: version === 5 ? has5(INCOMPAT.FTYPE) : has4(FEATURES2.FTYPE),
    isCaseSensitive: !has(raw.sb_versionnum, VERSION.BORG),
    logStart: raw.sb_logstart,
    logBlocks: raw.sb_logblocks,
    logIncompat: version === 5 ? raw.sb_features_log_incompat : 0,
  };
}

/** Some machines once wrote the word behind its place. */
function features2Of(raw: Raw): number {
  return raw.sb_features2 | raw.sb_bad_features2;
}

/** What the rest of the reader relies on: sizes are powers of two that fit each other, and groups add up to the filesystem. */
function checkGeometry(raw: Raw): void {
  ensurePower(raw, 'sb_blocksize', 'sb_blocklog', [MIN_BLOCK_LOG, MAX_BLOCK_LOG]);
  ensurePower(raw, 'sb_sectsize', 'sb_sectlog', [MIN_BLOCK_LOG, MAX_SECTOR_LOG]);
  ensurePower(raw, 'sb_inodesize', 'sb_inodelog', [MIN_INODE_LOG, MAX_INODE_LOG]);
  const { sb_inodesize: inodeSize, sb_blocksize: blockSize, sb_inopblock: perBlock, sb_inopblog: perBlockLog } = raw;
  const fits = inodeSize <= blockSize && perBlock === blockSize / inodeSize && perBlock === 2 ** perBlockLog;
  ensure(fits, 'sb_inopblock', `it is ${perBlock} with inodes of ${inodeSize} bytes and blocks of ${blockSize}`);
  ensure(
    raw.sb_blocklog + raw.sb_dirblklog <= MAX_BLOCK_LOG,
    'sb_dirblklog',
    `it is ${raw.sb_dirblklog} with blocks of ${blockSize} bytes`,
  );
  checkGroups(raw);
}

const LEAST_GROUP_BLOCKS = 64;

function checkGroups(raw: Raw): void {
  const { sb_agblocks: blocks, sb_agblklog: bits, sb_agcount: count, sb_dblocks: total } = raw;
  const isSize = blocks >= LEAST_GROUP_BLOCKS && blocks * raw.sb_blocksize <= 2 ** MAX_GROUP_LOG;
  ensure(isSize, 'sb_agblocks', `it is ${blocks} with blocks of ${raw.sb_blocksize} bytes`);
  ensure(bits === Math.ceil(Math.log2(blocks)), 'sb_agblklog', `it is ${bits} in groups of ${blocks} blocks`);
  const isCount = total > 0 && count === Math.ceil(total / blocks);
  ensure(isCount, 'sb_agcount', `it is ${count} with ${total} blocks in groups of ${blocks}`);
  ensure(Number.isSafeInteger(total * raw.sb_blocksize), 'sb_dblocks', `it is ${total}: too many`);
}

type Field = keyof typeof SUPERBLOCK;

function ensurePower(raw: Raw, size: Field, log: Field, [least, most]: readonly [number, number]): void {
  const isPower = raw[log] >= least && raw[log] <= most && raw[size] === 2 ** raw[log];
  ensure(isPower, size, `it is ${raw[size]}, expected 2^${raw[log]}, from ${2 ** least} to ${2 ** most}`);
}

function ensure(holds: boolean, field: Field, state: string): void {
  if (!holds) throw corrupt(`Cannot read superblock: bad ${field}: ${state}`, SUPERBLOCK[field][0]);
}
