// The log of XFS: big-endian headers; what is logged is in the byte order of the machine that wrote it
import type { Layout } from '../../../fields.ts';

export const RECORD_MAGIC = 0xfeedbabe;
export const RECORD = {
  h_magicno: [0x00, 'u32be'],
  h_cycle: [0x04, 'u32be'],
  h_version: [0x08, 'u32be'],
  h_len: [0x0c, 'u32be'],
  h_lsn: [0x10, 'bits64be'],
  h_tail_lsn: [0x18, 'bits64be'],
  h_crc: [0x20, 'u32'],
  h_num_logops: [0x28, 'u32be'],
  h_fmt: [0x12c, 'u32be'],
  h_size: [0x140, 'u32be'],
} as const satisfies Layout;
export const H_CRC = 0x20;
export const H_CYCLE_DATA = 0x2c;
export const H_FS_UUID = 0x130;
/** The checksum covers the header as a C structure: machines of 64 and of 32 bits pad it differently. */
export const RECORD_HEADER_SIZES: readonly number[] = [328, 324];
/** The words that cycle numbers took the place of, for as many blocks; then a further header is needed. */
export const CYCLE_WORDS = 64;
export const CYCLE_BYTES = CYCLE_WORDS * 512;
export const EXTENDED_CYCLE_DATA = 0x4;
export const EXTENDED_HEADER_SIZE = 0x104;
export const KNOWN_VERSIONS = 0x3;
export const VERSION_2 = 0x2;
export const FORMAT_LITTLE_ENDIAN = 1;
export const MAX_RECORD_BYTES = 256 * 1024;
/** How many records may be on their way to the disk at a time. */
export const MAX_RECORDS_IN_FLIGHT = 8;

export const OPERATION_SIZE = 12;
export const OPERATION = {
  oh_tid: [0x0, 'u32be'],
  oh_len: [0x4, 'u32be'],
  oh_clientid: [0x8, 'u8'],
  oh_flags: [0x9, 'u8'],
} as const satisfies Layout;
/** Of the filesystem, and of the log itself. */
export const CLIENTS: readonly number[] = [0x69, 0xaa];
export const OPERATION_FLAG = {
  START: 0x1,
  COMMIT: 0x2,
  CONTINUE: 0x4,
  WAS_CONTINUED: 0x8,
  END: 0x10,
  UNMOUNT: 0x20,
} as const;

export const TRANSACTION_MAGIC = 0x5452414e;
export const TRANSACTION_HEADER_SIZE = 16;

export const ITEM_TYPE = {
  INODE: 0x123b,
  BUFFER: 0x123c,
  INODE_CREATE: 0x123f,
} as const;

export const BUFFER_FORMAT = {
  blf_flags: [0x4, 'u16'],
  blf_len: [0x6, 'u16'],
  blf_blkno: [0x8, 'u64'],
  blf_map_size: [0x10, 'u32'],
} as const satisfies Layout;
export const BUFFER_MAP = 0x14;
export const BUFFER_FLAG = { INODE: 0x1, CANCEL: 0x2 } as const;
/** Buffers are logged in units of so many bytes. */
export const BUFFER_CHUNK = 128;
/** In basic blocks: no buffer of the kernel is larger. */
export const MAX_BUFFER_BLOCKS = 256;

export const INODE_FORMAT_SIZE = 56;
export const INODE_FORMAT = {
  ilf_fields: [0x4, 'u32'],
  ilf_ino: [0x10, 'u64'],
  ilf_rdev: [0x18, 'u32'],
  ilf_blkno: [0x28, 'u64'],
  ilf_len: [0x30, 'u32'],
  ilf_boffset: [0x34, 'u32'],
} as const satisfies Layout;
/** As machines of 32 bits lay it out. */
export const INODE_FORMAT_32_SIZE = 52;
export const INODE_FORMAT_32 = {
  ilf_fields: [0x4, 'u32'],
  ilf_ino: [0xc, 'u64'],
  ilf_rdev: [0x14, 'u32'],
  ilf_blkno: [0x24, 'u64'],
  ilf_len: [0x2c, 'u32'],
  ilf_boffset: [0x30, 'u32'],
} as const satisfies Layout;
export const INODE_FIELD = {
  DATA: 0x2,
  EXTENTS: 0x4,
  ROOT: 0x8,
  DEVICE: 0x10,
  ATTRIBUTE_DATA: 0x40,
  ATTRIBUTE_EXTENTS: 0x80,
  ATTRIBUTE_ROOT: 0x100,
  OWNER: 0x200,
  ATTRIBUTE_OWNER: 0x400,
} as const;

export const INODE_CREATE = {
  icl_ag: [0x4, 'u32be'],
  icl_agbno: [0x8, 'u32be'],
  icl_count: [0xc, 'u32be'],
  icl_isize: [0x10, 'u32be'],
  icl_length: [0x14, 'u32be'],
  icl_gen: [0x18, 'u32be'],
} as const satisfies Layout;

/** Operations that are logged before they are begun, and again when they are done; both carry an id. */
export interface IntentKind {
  readonly begun: number;
  readonly done: number;
  readonly what: string;
  /** Whether files look different once it is done. */
  readonly changesFiles: boolean;
}
export const INTENT_KINDS: readonly IntentKind[] = [
  { begun: 0x1236, done: 0x1237, what: 'freeing of space', changesFiles: false },
  { begun: 0x1240, done: 0x1241, what: 'reverse mapping', changesFiles: false },
  { begun: 0x1242, done: 0x1243, what: 'counting of references', changesFiles: false },
  { begun: 0x1244, done: 0x1245, what: 'mapping of content', changesFiles: true },
  { begun: 0x1246, done: 0x1247, what: 'setting of attributes', changesFiles: true },
  { begun: 0x1248, done: 0x1249, what: 'exchange of content', changesFiles: true },
  { begun: 0x124a, done: 0x124b, what: 'freeing of realtime space', changesFiles: false },
  { begun: 0x124c, done: 0x124d, what: 'realtime reverse mapping', changesFiles: false },
  { begun: 0x124e, done: 0x124f, what: 'counting of realtime references', changesFiles: false },
];
export const INTENT_ID = { id: [0x8, 'bits64'] } as const satisfies Layout;
/** What leaves nothing to replay here: quotas, and lists of inodes that IRIX kept. */
export const IDLE_ITEM_TYPES: readonly number[] = [0x1238, 0x123d, 0x123e];
