// Fast commits of ext4: little-endian, spelled as in the kernel's fs/ext4/fast_commit.h
import type { Layout } from '../../../../fields.ts';

/** What every record begins with: what it is, and the length of the value behind. */
export const RECORD_HEADER = { fc_tag: [0x0, 'u16'], fc_len: [0x2, 'u16'] } as const satisfies Layout;
export const RECORD_HEADER_SIZE = 4;

export const RECORD_TAG = {
  ADD_RANGE: 1,
  DEL_RANGE: 2,
  CREAT: 3,
  LINK: 4,
  UNLINK: 5,
  INODE: 6,
  PAD: 7,
  TAIL: 8,
  HEAD: 9,
} as const;

/** Of the first fast commit: the transaction in whose place they are. */
export const HEAD = { fc_features: [0x0, 'u32'], fc_tid: [0x4, 'u32'] } as const satisfies Layout;
export const HEAD_SIZE = 8;
/** At the end of each fast commit; its checksum covers all since the one before, itself up to the checksum included. */
export const TAIL = { fc_tid: [0x0, 'u32'], fc_crc: [0x4, 'u32'] } as const satisfies Layout;
export const TAIL_SIZE = 8;
export const TAIL_CRC = 0x4;

/** Behind the number is an entry of a leaf of extents. */
export const ADD_RANGE = { fc_ino: [0x0, 'u32'] } as const satisfies Layout;
export const ADD_RANGE_EXTENT = 0x4;
export const ADD_RANGE_SIZE = 16;
export const DEL_RANGE = {
  fc_ino: [0x0, 'u32'],
  fc_lblk: [0x4, 'u32'],
  fc_len: [0x8, 'u32'],
} as const satisfies Layout;
export const DEL_RANGE_SIZE = 12;

/** A name in a folder: it takes the rest of the value. */
export const DENTRY = { fc_parent_ino: [0x0, 'u32'], fc_ino: [0x4, 'u32'] } as const satisfies Layout;
export const DENTRY_NAME = 0x8;
export const MAX_NAME_BYTES = 255;

/** An inode takes the rest of the value. */
export const INODE_RECORD = { fc_ino: [0x0, 'u32'] } as const satisfies Layout;
export const INODE_RECORD_RAW = 0x4;
