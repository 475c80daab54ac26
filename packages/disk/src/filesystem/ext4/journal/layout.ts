// JBD2, the journal of ext3 and ext4: big-endian, spelled as in the kernel's include/linux/jbd2.h
import type { Layout } from '../../../fields.ts';

export const JOURNAL_MAGIC = 0xc03b3998;
/** What every block of the journal that is not a copy of another begins with. */
export const JOURNAL_HEADER = {
  h_magic: [0x0, 'u32be'],
  h_blocktype: [0x4, 'u32be'],
  h_sequence: [0x8, 'u32be'],
} as const satisfies Layout;
export const JOURNAL_HEADER_SIZE = 12;
export const BLOCK_TYPE = { DESCRIPTOR: 1, COMMIT: 2, SUPERBLOCK_V1: 3, SUPERBLOCK_V2: 4, REVOKE: 5 } as const;

export const JOURNAL_SUPERBLOCK_SIZE = 1024;
export const JOURNAL_SUPERBLOCK = {
  ...JOURNAL_HEADER,
  s_blocksize: [0x0c, 'u32be'],
  s_maxlen: [0x10, 'u32be'],
  s_first: [0x14, 'u32be'],
  s_sequence: [0x18, 'u32be'],
  s_start: [0x1c, 'u32be'],
  s_feature_compat: [0x24, 'u32be'],
  s_feature_incompat: [0x28, 'u32be'],
  s_feature_ro_compat: [0x2c, 'u32be'],
  s_checksum_type: [0x50, 'u8'],
  s_num_fc_blks: [0x54, 'u32be'],
  s_checksum: [0xfc, 'u32be'],
} as const satisfies Layout;
export const JOURNAL_UUID = 0x30;
export const JOURNAL_CHECKSUM = 0xfc;
/** The only value of s_checksum_type. */
export const JOURNAL_CHECKSUM_CRC32C = 4;

export const JOURNAL_COMPAT = { CHECKSUM: 0x1 } as const;
export const JOURNAL_INCOMPAT = {
  REVOKE: 0x1,
  '64BIT': 0x2,
  ASYNC_COMMIT: 0x4,
  CSUM_V2: 0x8,
  CSUM_V3: 0x10,
  FAST_COMMIT: 0x20,
} as const;

/** Fewer blocks than these make no journal, and fast commits take no block from these. */
export const MIN_JOURNAL_BLOCKS = 1024;
export const DEFAULT_FAST_COMMIT_BLOCKS = 256;

/** Of a descriptor; in version 3 the flags have 32 bits, of which these are the low ones, and the checksum moves to the end. */
export const TAG = { t_blocknr: [0x0, 'u32be'], t_checksum: [0x4, 'u16be'], t_flags: [0x6, 'u16be'] } as const;
export const TAG_BLOCKNR_HIGH = 0x8;
export const TAG3_CHECKSUM = 0xc;
export const TAG3_SIZE = 16;
/** What a tag that does not repeat the UUID of the one before has behind it. */
export const TAG_UUID_SIZE = 16;
export const TAG_FLAG = { ESCAPE: 0x1, SAME_UUID: 0x2, LAST: 0x8 } as const;

/** A checksum in the last bytes of descriptors and revoke records. */
export const BLOCK_TAIL_SIZE = 4;

export const REVOKE_COUNT = { r_count: [0xc, 'u32be'] } as const satisfies Layout;
export const REVOKE_HEADER_SIZE = 16;

/** With room for alignment. */
export const COMMIT_HEADER_SIZE = 64;
export const COMMIT_CHECKSUM = 0x10;
export const COMMIT = {
  h_chksum_type: [0x0c, 'u8'],
  h_chksum_size: [0x0d, 'u8'],
  h_chksum: [COMMIT_CHECKSUM, 'u32be'],
  h_commit_sec: [0x30, 'bits64be'],
} as const satisfies Layout;
/** In h_chksum_type, of the first version of checksums. */
export const COMMIT_CRC32 = 1;
