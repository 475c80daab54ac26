// ext2, ext3 and ext4: little-endian, spelled as in the kernel's Documentation/filesystems/ext4
import type { Layout } from '../../fields.ts';

export const SUPERBLOCK_OFFSET = 0x400;
export const SUPERBLOCK_SIZE = 0x400;
export const SUPERBLOCK_MAGIC = 0xef53;
export const SUPERBLOCK = {
  s_inodes_count: [0x00, 'u32'],
  s_blocks_count_lo: [0x04, 'u32'],
  s_free_blocks_count_lo: [0x0c, 'u32'],
  s_first_data_block: [0x14, 'u32'],
  s_log_block_size: [0x18, 'u32'],
  s_log_cluster_size: [0x1c, 'u32'],
  s_blocks_per_group: [0x20, 'u32'],
  s_inodes_per_group: [0x28, 'u32'],
  s_magic: [0x38, 'u16'],
  s_state: [0x3a, 'u16'],
  s_creator_os: [0x48, 'u32'],
  s_rev_level: [0x4c, 'u32'],
  s_first_ino: [0x54, 'u32'],
  s_inode_size: [0x58, 'u16'],
  s_feature_compat: [0x5c, 'u32'],
  s_feature_incompat: [0x60, 'u32'],
  s_feature_ro_compat: [0x64, 'u32'],
  s_journal_inum: [0xe0, 'u32'],
  s_last_orphan: [0xe8, 'u32'],
  s_reserved_gdt_blocks: [0xce, 'u16'],
  s_desc_size: [0xfe, 'u16'],
  s_first_meta_bg: [0x104, 'u32'],
  s_blocks_count_hi: [0x150, 'u32'],
  s_free_blocks_count_hi: [0x158, 'u32'],
  s_flags: [0x160, 'u32'],
  s_checksum_type: [0x175, 'u8'],
  s_error_count: [0x194, 'u32'],
  s_backup_bgs_0: [0x24c, 'u32'],
  s_backup_bgs_1: [0x250, 'u32'],
  s_checksum_seed: [0x270, 'u32'],
  s_checksum: [0x3fc, 'u32'],
} as const satisfies Layout;
export const S_UUID = 0x68;
export const S_VOLUME_NAME = 0x78;
export const S_CHECKSUM = 0x3fc;

export const STATE_VALID = 0x1;
export const STATE_ERROR = 0x2;
export const FLAGS_TEST_FILESYS = 0x4;
export const CREATOR_LINUX = 0;
export const CREATOR_HURD = 1;
/** The only value of s_checksum_type. */
export const CHECKSUM_CRC32C = 1;

/** Blocks are 1 KiB << s_log_block_size, at most 64 KiB. */
export const MAX_LOG_BLOCK_SIZE = 6;
export const ROOT_INODE = 2;
export const GOOD_OLD_FIRST_INODE = 11;
export const GOOD_OLD_INODE_SIZE = 128;

export const COMPAT = { HAS_JOURNAL: 0x4, SPARSE_SUPER2: 0x200 } as const;
export const RO_COMPAT = {
  SPARSE_SUPER: 0x1,
  LARGE_FILE: 0x2,
  BTREE_DIR: 0x4,
  HUGE_FILE: 0x8,
  GDT_CSUM: 0x10,
  BIGALLOC: 0x200,
  METADATA_CSUM: 0x400,
  ORPHAN_PRESENT: 0x10000,
} as const;
export const INCOMPAT = {
  COMPRESSION: 0x1,
  FILETYPE: 0x2,
  RECOVER: 0x4,
  JOURNAL_DEV: 0x8,
  META_BG: 0x10,
  EXTENTS: 0x40,
  '64BIT': 0x80,
  MMP: 0x100,
  FLEX_BG: 0x200,
  EA_INODE: 0x400,
  DIRDATA: 0x1000,
  CSUM_SEED: 0x2000,
  LARGEDIR: 0x4000,
  INLINE_DATA: 0x8000,
  ENCRYPT: 0x10000,
  CASEFOLD: 0x20000,
} as const;

export const GROUP_DESCRIPTOR_SIZE = 32;
export const GROUP_DESCRIPTOR_64BIT_SIZE = 64;
export const GROUP_DESCRIPTOR = {
  bg_block_bitmap_lo: [0x00, 'u32'],
  bg_inode_bitmap_lo: [0x04, 'u32'],
  bg_inode_table_lo: [0x08, 'u32'],
  bg_flags: [0x12, 'u16'],
  bg_block_bitmap_csum_lo: [0x18, 'u16'],
  bg_checksum: [0x1e, 'u16'],
} as const satisfies Layout;
export const GROUP_DESCRIPTOR_64BIT = {
  bg_block_bitmap_hi: [0x20, 'u32'],
  bg_inode_bitmap_hi: [0x24, 'u32'],
  bg_inode_table_hi: [0x28, 'u32'],
  bg_block_bitmap_csum_hi: [0x38, 'u16'],
} as const satisfies Layout;
export const BG_CHECKSUM = 0x1e;
/** The bitmap of blocks was never written: but for what the group keeps of itself, all are free. */
export const BG_BLOCK_UNINIT = 0x2;

export const INODE = {
  i_mode: [0x00, 'u16'],
  i_uid: [0x02, 'u16'],
  i_size_lo: [0x04, 'u32'],
  i_atime: [0x08, 'i32'],
  i_ctime: [0x0c, 'i32'],
  i_mtime: [0x10, 'i32'],
  i_gid: [0x18, 'u16'],
  i_links_count: [0x1a, 'u16'],
  i_blocks_lo: [0x1c, 'u32'],
  i_flags: [0x20, 'u32'],
  i_generation: [0x64, 'u32'],
  i_file_acl_lo: [0x68, 'u32'],
  i_size_high: [0x6c, 'u32'],
  l_i_blocks_high: [0x74, 'u16'],
  l_i_file_acl_high: [0x76, 'u16'],
  l_i_uid_high: [0x78, 'u16'],
  l_i_gid_high: [0x7a, 'u16'],
  l_i_checksum_lo: [0x7c, 'u16'],
} as const satisfies Layout;
export const I_BLOCK = 0x28;
export const I_BLOCK_SIZE = 60;
export const L_I_CHECKSUM_LO = 0x7c;
/** Beyond the first 128 bytes a field is there only when i_extra_isize reaches over it. */
export const I_EXTRA_ISIZE = 0x80;
export const I_CHECKSUM_HI = 0x82;
export const I_CTIME_EXTRA = 0x84;
export const I_MTIME_EXTRA = 0x88;
export const I_ATIME_EXTRA = 0x8c;
export const I_CRTIME = 0x90;
export const I_CRTIME_EXTRA = 0x94;

export const INODE_FLAG = {
  ENCRYPT: 0x800,
  INDEX: 0x1000,
  EXTENTS: 0x80000,
  EA_INODE: 0x200000,
  INLINE_DATA: 0x10000000,
  CASEFOLD: 0x40000000,
} as const;

export const EXTENT_MAGIC = 0xf30a;
export const EXTENT_HEADER = {
  eh_magic: [0x0, 'u16'],
  eh_entries: [0x2, 'u16'],
  eh_max: [0x4, 'u16'],
  eh_depth: [0x6, 'u16'],
} as const satisfies Layout;
/** Of the header, of every entry behind it, and of the tail of a block up to its checksum. */
export const EXTENT_ENTRY_SIZE = 12;
export const EXTENT_MAX_DEPTH = 5;
/** A longer ee_len marks a range that is allocated but not written. */
export const EXTENT_MAX_LENGTH = 0x8000;

export const DIRECT_BLOCKS = 12;

/** Up to the name. */
export const DIRECTORY_ENTRY_HEADER_SIZE = 8;
export const DIRECTORY_TAIL_SIZE = 12;
export const DIRECTORY_TAIL_FILE_TYPE = 0xde;
/** Where an inline folder keeps the inode number of its parent, instead of `.` and `..`. */
export const INLINE_DIRECTORY_HEADER_SIZE = 4;

export const XATTR_MAGIC = 0xea020000;
export const XATTR_BLOCK_HEADER_SIZE = 32;
export const XATTR_BLOCK_CHECKSUM = 0x10;
export const XATTR_ENTRY_SIZE = 16;
export const XATTR_ENTRY = {
  e_name_len: [0x0, 'u8'],
  e_name_index: [0x1, 'u8'],
  e_value_offs: [0x2, 'u16'],
  e_value_inum: [0x4, 'u32'],
  e_value_size: [0x8, 'u32'],
} as const satisfies Layout;
