// squashfs 4.0: Documentation/filesystems/squashfs.rst of Linux, and fs/squashfs/squashfs_fs.h for the fields. Little-endian.

export const MAGIC = 0x73717368;
export const SUPERBLOCK_SIZE = 96;
export const SUPERBLOCK = {
  magic: [0x00, 'u32'],
  inode_count: [0x04, 'u32'],
  mkfs_time: [0x08, 'u32'],
  block_size: [0x0c, 'u32'],
  fragments: [0x10, 'u32'],
  compression: [0x14, 'u16'],
  block_log: [0x16, 'u16'],
  flags: [0x18, 'u16'],
  id_count: [0x1a, 'u16'],
  s_major: [0x1c, 'u16'],
  s_minor: [0x1e, 'u16'],
  root_inode: [0x20, 'bits64'],
  bytes_used: [0x28, 'u64'],
  id_table_start: [0x30, 'u64'],
  xattr_id_table_start: [0x38, 'bits64'],
  inode_table_start: [0x40, 'u64'],
  directory_table_start: [0x48, 'u64'],
  fragment_table_start: [0x50, 'bits64'],
} as const;

/** What stands in the place of a table that is not there. */
export const NO_TABLE = 0xffff_ffff_ffff_ffffn;
export const NO_FRAGMENT = 0xffff_ffff;
export const NO_XATTR = 0xffff_ffff;

export const LEAST_BLOCK_LOG = 12;
export const MOST_BLOCK_LOG = 20;

/** A metadata block holds that much, but for the last of a table. */
export const METADATA_SIZE = 8192;
/** In the length before a metadata block. */
export const METADATA_PLAIN = 0x8000;
/** In the length of a block of a file. */
export const BLOCK_PLAIN = 0x0100_0000;
export const BLOCK_LENGTH = 0x00ff_ffff;

export const INODE_HEADER_SIZE = 16;
export const INODE_HEADER = {
  inode_type: [0, 'u16'],
  mode: [2, 'u16'],
  uid: [4, 'u16'],
  guid: [6, 'u16'],
  mtime: [8, 'u32'],
  inode_number: [12, 'u32'],
} as const;

// the rest of each kind of inode, from the end of the header
export const DIRECTORY = {
  start_block: [0, 'u32'],
  nlink: [4, 'u32'],
  file_size: [8, 'u16'],
  offset: [10, 'u16'],
} as const;
export const LONG_DIRECTORY = {
  nlink: [0, 'u32'],
  file_size: [4, 'u32'],
  start_block: [8, 'u32'],
  offset: [18, 'u16'],
  xattr: [20, 'u32'],
} as const;
export const FILE = {
  start_block: [0, 'u32'],
  fragment: [4, 'u32'],
  offset: [8, 'u32'],
  file_size: [12, 'u32'],
} as const;
export const LONG_FILE = {
  start_block: [0, 'u64'],
  file_size: [8, 'u64'],
  nlink: [24, 'u32'],
  fragment: [28, 'u32'],
  offset: [32, 'u32'],
  xattr: [36, 'u32'],
} as const;
export const SYMLINK = { nlink: [0, 'u32'], symlink_size: [4, 'u32'] } as const;
export const DEVICE = { nlink: [0, 'u32'], rdev: [4, 'u32'] } as const;
export const LONG_DEVICE = { ...DEVICE, xattr: [8, 'u32'] } as const;
export const IPC = { nlink: [0, 'u32'] } as const;
export const LONG_IPC = { ...IPC, xattr: [4, 'u32'] } as const;

/** What a folder's size counts besides its entries: `.` and `..`. */
export const DOTS_SIZE = 3;
export const FOLDER_HEADER_SIZE = 12;
export const FOLDER_HEADER = { count: [0, 'u32'], start_block: [4, 'u32'], inode_number: [8, 'u32'] } as const;
export const MOST_IN_HEADER = 256;
export const FOLDER_ENTRY_SIZE = 8;
export const FOLDER_ENTRY = { offset: [0, 'u16'], type: [4, 'u16'], size: [6, 'u16'] } as const;
export const LONGEST_NAME = 256;

export const FRAGMENT_SIZE = 16;
export const FRAGMENT = { start_block: [0, 'u64'], size: [8, 'u32'] } as const;

export const ID_SIZE = 4;

export const XATTR_TABLE_SIZE = 16;
export const XATTR_TABLE = { xattr_table_start: [0, 'u64'], xattr_ids: [8, 'u32'] } as const;
export const XATTR_ID_SIZE = 16;
export const XATTR_ID = { xattr: [0, 'bits64'], count: [8, 'u32'], size: [12, 'u32'] } as const;
export const XATTR_ENTRY_SIZE = 4;
export const XATTR_ENTRY = { type: [0, 'u16'], size: [2, 'u16'] } as const;
export const XATTR_PREFIXES: readonly (string | undefined)[] = ['user.', 'trusted.', 'security.'];
export const XATTR_PREFIX_MASK = 0xff;
/** The value is a reference to where it stands once for many. */
export const XATTR_VALUE_ELSEWHERE = 0x100;
/** What Linux takes for a value at most. */
export const LARGEST_XATTR_VALUE = 65536;
