import { crc32c } from '../../../crc32c.ts';
import { DiskError } from '../../../error.ts';
import { type Fields, readFields } from '../../../fields.ts';
import { hex } from '../../../hex.ts';
import { corrupt } from '../corrupt.ts';
import { has } from '../features.ts';
import {
  BLOCK_TYPE,
  DEFAULT_FAST_COMMIT_BLOCKS,
  JOURNAL_CHECKSUM,
  JOURNAL_CHECKSUM_CRC32C,
  JOURNAL_COMPAT,
  JOURNAL_INCOMPAT,
  JOURNAL_MAGIC,
  JOURNAL_SUPERBLOCK,
  JOURNAL_SUPERBLOCK_SIZE,
  JOURNAL_UUID,
  MIN_JOURNAL_BLOCKS,
} from './layout.ts';

/** What the superblock of a journal says, checked as the kernel checks it before it replays. */
export interface JournalSuperblock {
  readonly blockSize: number;
  /** Transactions lie in a ring of the blocks from `first` up to, not including, `end`. */
  readonly first: number;
  readonly end: number;
  /** Where the oldest transaction begins; 0 when there is none. */
  readonly start: number;
  /** The number of that transaction. */
  readonly sequence: number;
  readonly is64Bit: boolean;
  readonly isAsync: boolean;
  /** Fast commits are behind the ring, from this block up to, not including, `fastCommitEnd`; an empty range where there is no room for any. */
  readonly fastCommitStart: number;
  readonly fastCommitEnd: number;
  /** Version of the checksums: 1 over whole transactions, 2 and 3 over each block. */
  readonly checksums: 0 | 1 | 2 | 3;
  /** What checksums of version 2 and 3 start from. */
  readonly seed: number;
}

type Raw = Fields<typeof JOURNAL_SUPERBLOCK>;

const KNOWN_INCOMPAT = Object.values(JOURNAL_INCOMPAT).reduce((known, bit) => known | bit, 0);

/**
 * @param bytes the first block of the journal, whose size is that of the blocks of the filesystem
 * @param blockCount how many blocks the journal has
 * @param offset of the block in the filesystem, for errors
 */
export function readJournalSuperblock(bytes: Uint8Array, blockCount: number, offset: number): JournalSuperblock {
  const raw = rawOf(bytes, offset);
  checkFeatures(raw, offset);
  checkChecksum(raw, bytes, offset);
  checkGeometry(raw, bytes.length, blockCount, offset);
  return {
    blockSize: raw.s_blocksize,
    first: raw.s_first,
    end: raw.s_maxlen - fastCommitBlocks(raw),
    start: raw.s_start,
    sequence: raw.s_sequence,
    is64Bit: has(raw.s_feature_incompat, JOURNAL_INCOMPAT['64BIT']),
    isAsync: has(raw.s_feature_incompat, JOURNAL_INCOMPAT.ASYNC_COMMIT),
    // the kernel leaves one block between
    fastCommitStart: raw.s_maxlen - fastCommitBlocks(raw) + 1,
    fastCommitEnd: raw.s_maxlen,
    checksums: checksumsOf(raw),
    seed: crc32c(0xffffffff, bytes.subarray(JOURNAL_UUID, JOURNAL_UUID + 16)),
  };
}

function rawOf(bytes: Uint8Array, offset: number): Raw {
  const raw = readFields(bytes, JOURNAL_SUPERBLOCK, { format: 'ext4', offset });
  if (raw.h_magic !== JOURNAL_MAGIC) throw wrong(`h_magic is ${hex(raw.h_magic)}, expected 0xc03b3998`, offset);
  if (raw.h_blocktype === BLOCK_TYPE.SUPERBLOCK_V2) return raw;
  if (raw.h_blocktype !== BLOCK_TYPE.SUPERBLOCK_V1) throw wrong(`h_blocktype is ${raw.h_blocktype}`, offset);
  // the first version has no feature words: what lies there is padding
  return { ...raw, s_feature_compat: 0, s_feature_incompat: 0, s_feature_ro_compat: 0 };
}

function checkFeatures(
  { s_feature_incompat, s_feature_ro_compat, s_checksum_type, ...raw }: Raw,
  offset: number,
): void {
  const unknown = s_feature_incompat & ~KNOWN_INCOMPAT || s_feature_ro_compat;
  if (unknown !== 0) throw unsupported(`unknown feature ${hex(unknown >>> 0)}`, offset);
  const versions = versionsOf({ s_feature_incompat, ...raw });
  if (versions.length > 1) throw wrong(`checksums of versions ${versions.join(' and ')} at once`, offset);
  const [version = 0] = versions;
  if (version > 1 && s_checksum_type !== JOURNAL_CHECKSUM_CRC32C) {
    throw unsupported(`unknown checksum type ${s_checksum_type}`, offset);
  }
}

type FeatureWords = Pick<Raw, 's_feature_compat' | 's_feature_incompat'>;

function versionsOf({ s_feature_compat, s_feature_incompat }: FeatureWords): (1 | 2 | 3)[] {
  return [
    ...(has(s_feature_compat, JOURNAL_COMPAT.CHECKSUM) ? [1 as const] : []),
    ...(has(s_feature_incompat, JOURNAL_INCOMPAT.CSUM_V2) ? [2 as const] : []),
    ...(has(s_feature_incompat, JOURNAL_INCOMPAT.CSUM_V3) ? [3 as const] : []),
  ];
}

function checksumsOf(raw: Raw): 0 | 1 | 2 | 3 {
  return versionsOf(raw)[0] ?? 0;
}

function checkChecksum(raw: Raw, bytes: Uint8Array, offset: number): void {
  if (checksumsOf(raw) < 2) return;
  const after = bytes.subarray(JOURNAL_CHECKSUM + 4, JOURNAL_SUPERBLOCK_SIZE);
  const computed = [bytes.subarray(0, JOURNAL_CHECKSUM), new Uint8Array(4), after].reduce(crc32c, 0xffffffff);
  if (computed === raw.s_checksum) return;
  throw wrong(`s_checksum is ${hex(raw.s_checksum)}, computed ${hex(computed)}`, offset + JOURNAL_CHECKSUM);
}

function checkGeometry(raw: Raw, blockSize: number, blockCount: number, offset: number): void {
  const { s_blocksize, s_maxlen, s_first, s_start } = raw;
  if (s_blocksize !== blockSize) throw wrong(`s_blocksize is ${s_blocksize}, expected ${blockSize}`, offset);
  if (s_maxlen > blockCount || s_maxlen < MIN_JOURNAL_BLOCKS) {
    throw wrong(`s_maxlen is ${s_maxlen} of ${blockCount} blocks, expected at least ${MIN_JOURNAL_BLOCKS}`, offset);
  }
  const end = s_maxlen - fastCommitBlocks(raw);
  if (s_first === 0 || s_first >= end) throw wrong(`s_first is ${s_first} of ${end} blocks`, offset);
  if (s_start >= end) throw wrong(`s_start is ${s_start} of ${end} blocks`, offset);
}

/** How many blocks at the end are for fast commits; none when that would leave too few for the others. */
function fastCommitBlocks({ s_feature_incompat, s_num_fc_blks, s_maxlen }: Raw): number {
  if (!has(s_feature_incompat, JOURNAL_INCOMPAT.FAST_COMMIT)) return 0;
  const count = s_num_fc_blks || DEFAULT_FAST_COMMIT_BLOCKS;
  return s_maxlen - count >= MIN_JOURNAL_BLOCKS ? count : 0;
}

function wrong(state: string, offset: number): DiskError {
  return corrupt(`Cannot read superblock of the journal: ${state}`, offset);
}

function unsupported(state: string, offset: number): DiskError {
  return new DiskError('unsupported', `Cannot read journal: ${state}`, { format: 'ext4', offset });
}
