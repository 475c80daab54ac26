// XFS versions 4 and 5: big-endian but for checksums, spelled as in the kernel's fs/xfs/libxfs
import type { Layout } from '../../fields.ts';

/** Disk addresses, and the sizes of logs and buffers in them, count in these whatever the sector of the device is. */
export const BASIC_BLOCK = 512;

export const SUPERBLOCK_MAGIC = 0x58465342;
/** The fields; the checksum goes over a whole sector. */
export const SUPERBLOCK_SIZE = 512;
export const SUPERBLOCK = {
  sb_magicnum: [0x00, 'u32be'],
  sb_blocksize: [0x04, 'u32be'],
  sb_dblocks: [0x08, 'u64be'],
  sb_logstart: [0x30, 'u64be'],
  sb_rootino: [0x38, 'u64be'],
  sb_agblocks: [0x54, 'u32be'],
  sb_agcount: [0x58, 'u32be'],
  sb_logblocks: [0x60, 'u32be'],
  sb_versionnum: [0x64, 'u16be'],
  sb_sectsize: [0x66, 'u16be'],
  sb_inodesize: [0x68, 'u16be'],
  sb_inopblock: [0x6a, 'u16be'],
  sb_blocklog: [0x78, 'u8'],
  sb_sectlog: [0x79, 'u8'],
  sb_inodelog: [0x7a, 'u8'],
  sb_inopblog: [0x7b, 'u8'],
  sb_agblklog: [0x7c, 'u8'],
  sb_inprogress: [0x7e, 'u8'],
  sb_fdblocks: [0x90, 'u64be'],
  sb_dirblklog: [0xc0, 'u8'],
  sb_features2: [0xc8, 'u32be'],
  sb_bad_features2: [0xcc, 'u32be'],
  sb_features_ro_compat: [0xd4, 'u32be'],
  sb_features_incompat: [0xd8, 'u32be'],
  sb_features_log_incompat: [0xdc, 'u32be'],
  sb_crc: [0xe0, 'u32'],
} as const satisfies Layout;
export const SB_UUID = 0x20;
export const SB_FNAME = 0x6c;
export const SB_META_UUID = 0xf8;

export const VERSION_NUMBER = 0xf;
export const VERSION = {
  LOGV2: 0x400,
  DIRV2: 0x2000,
  /** Names differ by more than the case of their letters. */
  BORG: 0x4000,
  MOREBITS: 0x8000,
} as const;
export const FEATURES2 = { PARENT: 0x10, CRC: 0x100, FTYPE: 0x200 } as const;

export const INCOMPAT = {
  FTYPE: 0x1,
  SPINODES: 0x2,
  META_UUID: 0x4,
  BIGTIME: 0x8,
  NEEDSREPAIR: 0x10,
  NREXT64: 0x20,
  EXCHRANGE: 0x40,
  PARENT: 0x80,
  METADIR: 0x100,
  ZONED: 0x200,
  ZONE_GAPS: 0x400,
} as const;
export const RO_COMPAT = { FINOBT: 0x1, RMAPBT: 0x2, REFLINK: 0x4, INOBTCNT: 0x8 } as const;
export const LOG_INCOMPAT = { XATTRS: 0x1 } as const;

export const MIN_BLOCK_LOG = 9;
export const MAX_BLOCK_LOG = 16;
export const MAX_SECTOR_LOG = 15;
export const MIN_INODE_LOG = 8;
export const MAX_INODE_LOG = 11;
/** Bytes of an allocation group, as powers of two. */
export const MAX_GROUP_LOG = 40;

/** What stands in for a block number that is none. */
export const NULL_BLOCK_32 = 0xffffffff;

// Sectors of an allocation group behind its copy of the superblock
export const AGF_SECTOR = 1;
export const AGI_SECTOR = 2;
export const AGFL_SECTOR = 3;
export const AGF_MAGIC = 0x58414746;
export const AGF = {
  agf_magicnum: [0x00, 'u32be'],
  agf_versionnum: [0x04, 'u32be'],
  agf_seqno: [0x08, 'u32be'],
  agf_length: [0x0c, 'u32be'],
  agf_bno_root: [0x10, 'u32be'],
  agf_bno_level: [0x1c, 'u32be'],
  agf_flfirst: [0x28, 'u32be'],
  agf_fllast: [0x2c, 'u32be'],
  agf_flcount: [0x30, 'u32be'],
  agf_freeblks: [0x34, 'u32be'],
  agf_btreeblks: [0x3c, 'u32be'],
} as const satisfies Layout;
export const AGI_MAGIC = 0x58414749;
export const AGI = {
  agi_magicnum: [0x00, 'u32be'],
  agi_versionnum: [0x04, 'u32be'],
  agi_seqno: [0x08, 'u32be'],
  agi_length: [0x0c, 'u32be'],
} as const satisfies Layout;
export const AGI_UNLINKED = 0x28;
export const AGI_UNLINKED_BUCKETS = 64;
export const AGFL_MAGIC = 0x5841464c;
export const AGFL = { agfl_magicnum: [0x0, 'u32be'], agfl_seqno: [0x4, 'u32be'] } as const satisfies Layout;
/** Version 4 has no header there. */
export const AGFL_HEADER_SIZE = 0x24;

export const BNO_MAGIC = 0x41425442;
export const BNO_CRC_MAGIC = 0x41423342;
export const BTREE_BLOCK = {
  bb_magic: [0x0, 'u32be'],
  bb_level: [0x4, 'u16be'],
  bb_numrecs: [0x6, 'u16be'],
} as const satisfies Layout;
/** Of trees within an allocation group, whose pointers have 32 bits. */
export const SHORT_BTREE_HEADER_SIZE = 0x10;
export const SHORT_BTREE_CRC_HEADER_SIZE = 0x38;
/** Of trees that map files, whose pointers have 64 bits. */
export const LONG_BTREE_HEADER_SIZE = 0x18;
export const LONG_BTREE_CRC_HEADER_SIZE = 0x48;
/** In the kernel too: no filesystem needs more. */
export const MAX_BTREE_LEVELS = 9;
export const BMAP_MAGIC = 0x424d4150;
export const BMAP_CRC_MAGIC = 0x424d4133;

export const INODE_MAGIC = 0x494e;
export const INODE = {
  di_magic: [0x00, 'u16be'],
  di_mode: [0x02, 'u16be'],
  di_version: [0x04, 'u8'],
  di_format: [0x05, 'u8'],
  di_onlink: [0x06, 'u16be'],
  di_uid: [0x08, 'u32be'],
  di_gid: [0x0c, 'u32be'],
  di_nlink: [0x10, 'u32be'],
  di_size: [0x38, 'u64be'],
  di_nextents: [0x4c, 'u32be'],
  di_anextents: [0x50, 'u16be'],
  di_forkoff: [0x52, 'u8'],
  di_aformat: [0x53, 'u8'],
  di_flags: [0x5a, 'u16be'],
} as const satisfies Layout;
export const DI_BIG_NEXTENTS = 0x18;
export const DI_BIG_ANEXTENTS = 0x4c;
export const DI_ATIME = 0x20;
export const DI_MTIME = 0x28;
export const DI_CTIME = 0x30;
export const DI_NEXT_UNLINKED = 0x60;
/** From version 3 on. */
export const INODE_V3 = { di_flags2: [0x78, 'bits64be'], di_ino: [0x98, 'u64be'] } as const satisfies Layout;
export const DI_CRC = 0x64;
export const DI_LSN = 0x70;
export const DI_CRTIME = 0x90;
export const DI_INO = 0x98;
export const DI_UUID = 0xa0;
/** Of the fields: the forks lie behind them. */
export const INODE_CORE_SIZE = 0x64;
export const INODE_V3_CORE_SIZE = 0xb0;

export const FORMAT = { DEV: 0, LOCAL: 1, EXTENTS: 2, BTREE: 3 } as const;
export const INODE_FLAG = { REALTIME: 0x1 } as const;
export const INODE_FLAG2 = { BIGTIME: 0x8n, NREXT64: 0x10n, METADATA: 0x20n } as const;
/** Times count from here, in nanoseconds, where BIGTIME is set: 1901-12-13. */
export const BIGTIME_EPOCH = -(2 ** 31);

export const EXTENT_SIZE = 16;
/** Of the root of a tree in an inode: bb_level and bb_numrecs only. */
export const BTREE_ROOT_HEADER_SIZE = 4;

/** The space of a folder: entries, then their hashes, then where there is room, each at its own 32 GiB. */
export const DIRECTORY_LEAF_OFFSET = 2 ** 35;
export const DIRECTORY_BLOCK_MAGIC = 0x58443242;
export const DIRECTORY_DATA_MAGIC = 0x58443244;
export const DIRECTORY_BLOCK_CRC_MAGIC = 0x58444233;
export const DIRECTORY_DATA_CRC_MAGIC = 0x58444433;
export const DIRECTORY_HEADER_SIZE = 0x10;
export const DIRECTORY_CRC_HEADER_SIZE = 0x40;
/** Instead of the first two bytes of an inode number, of which no filesystem has so many. */
export const DIRECTORY_FREE_TAG = 0xffff;
/** Of an entry, up to the name. */
export const DIRECTORY_ENTRY_HEADER_SIZE = 9;
export const DIRECTORY_ENTRY_ALIGNMENT = 8;
/** At the end of an entry: where in the block it begins. */
export const DIRECTORY_ENTRY_TAG_SIZE = 2;
/** At the end of a folder of one block: how many hashes lie before it. */
export const DIRECTORY_TAIL_SIZE = 8;
export const DIRECTORY_HASH_SIZE = 8;

export const ATTRIBUTE_FLAG = { LOCAL: 0x1, ROOT: 0x2, SECURE: 0x4, PARENT: 0x8, INCOMPLETE: 0x80 } as const;
export const ATTRIBUTE_LEAF_MAGIC = 0xfbee;
export const ATTRIBUTE_LEAF_CRC_MAGIC = 0x3bee;
export const ATTRIBUTE_NODE_MAGIC = 0xfebe;
export const ATTRIBUTE_NODE_CRC_MAGIC = 0x3ebe;
export const DA_BLOCK = { forw: [0x0, 'u32be'], magic: [0x8, 'u16be'] } as const satisfies Layout;
/** Behind the common header: count, then other fields, then the entries. */
export const DA_HEADER_SIZE = 0xc;
export const DA_CRC_HEADER_SIZE = 0x38;
export const ATTRIBUTE_LEAF_HEADER_SIZE = 0x20;
export const ATTRIBUTE_LEAF_CRC_HEADER_SIZE = 0x50;
export const ATTRIBUTE_NODE_HEADER_SIZE = 0x10;
export const ATTRIBUTE_NODE_CRC_HEADER_SIZE = 0x40;
export const ATTRIBUTE_LEAF_ENTRY = { nameidx: [0x4, 'u16be'], flags: [0x6, 'u8'] } as const satisfies Layout;
/** Of entries in leaves and nodes alike. */
export const DA_ENTRY_SIZE = 8;

/** In front of every block of a symlink target or an attribute's value that lies outside of the inode, since version 5. */
export const REMOTE_HEADER_SIZE = 0x38;
export const REMOTE_HEADER = {
  magic: [0x0, 'u32be'],
  offset: [0x4, 'u32be'],
  bytes: [0x8, 'u32be'],
} as const satisfies Layout;
export const ATTRIBUTE_REMOTE_MAGIC = 0x5841524d;
export const SYMLINK_MAGIC = 0x58534c4d;

/** Where a metadata block of version 5 keeps what tells it from any other. */
export interface SelfDescription {
  readonly crc: number;
  readonly lsn: number;
  readonly uuid: number;
  /** Disk address of the block, where it has one. */
  readonly blkno?: number;
  /** Inode, or allocation group, that the block belongs to. */
  readonly owner?: number;
}
export const SHORT_BTREE_SELF: SelfDescription = { crc: 0x34, lsn: 0x18, uuid: 0x20, blkno: 0x10 };
export const LONG_BTREE_SELF: SelfDescription = { crc: 0x40, lsn: 0x20, uuid: 0x28, blkno: 0x18, owner: 0x38 };
export const DIRECTORY_SELF: SelfDescription = { crc: 0x4, lsn: 0x10, uuid: 0x18, blkno: 0x8, owner: 0x28 };
export const DA_SELF: SelfDescription = { crc: 0xc, lsn: 0x18, uuid: 0x20, blkno: 0x10, owner: 0x30 };
export const REMOTE_SELF: SelfDescription = { crc: 0xc, lsn: 0x30, uuid: 0x10, blkno: 0x28, owner: 0x20 };
export const SUPERBLOCK_SELF: SelfDescription = { crc: 0xe0, lsn: 0xf0, uuid: SB_UUID };
export const AGF_SELF: SelfDescription = { crc: 0xd8, lsn: 0xd0, uuid: 0x40 };
export const AGI_SELF: SelfDescription = { crc: 0x138, lsn: 0x140, uuid: 0x128 };
export const AGFL_SELF: SelfDescription = { crc: 0x20, lsn: 0x18, uuid: 0x8 };
