// btrfs: little-endian, spelled as in the kernel's include/uapi/linux/btrfs_tree.h
import type { Layout } from '../../fields.ts';

/** The superblock and its copies, by their place on each device. */
export const SUPERBLOCK_OFFSETS = [0x10000, 0x4000000, 0x4000000000] as const;
export const SUPERBLOCK_SIZE = 0x1000;
export const SUPERBLOCK_MAGIC = 0x4d5f53665248425fn;
/** Checksums of superblocks and tree blocks come first, whatever their size, and cover what is behind this. */
export const CHECKSUM_AREA = 32;
export const SUPERBLOCK = {
  bytenr: [0x30, 'u64'],
  magic: [0x40, 'bits64'],
  generation: [0x48, 'u64'],
  root: [0x50, 'u64'],
  chunk_root: [0x58, 'u64'],
  log_root: [0x60, 'u64'],
  total_bytes: [0x70, 'u64'],
  bytes_used: [0x78, 'u64'],
  num_devices: [0x88, 'u64'],
  sectorsize: [0x90, 'u32'],
  nodesize: [0x94, 'u32'],
  sys_chunk_array_size: [0xa0, 'u32'],
  chunk_root_generation: [0xa4, 'u64'],
  compat_ro_flags: [0xb4, 'bits64'],
  incompat_flags: [0xbc, 'bits64'],
  csum_type: [0xc4, 'u16'],
  root_level: [0xc6, 'u8'],
  chunk_root_level: [0xc7, 'u8'],
  log_root_level: [0xc8, 'u8'],
  dev_item_devid: [0xc9, 'u64'],
  dev_item_total_bytes: [0xd1, 'u64'],
} as const satisfies Layout;
export const S_FSID = 0x20;
export const S_DEVICE_UUID = 0xc9 + 66;
export const S_LABEL = 0x12b;
export const LABEL_SIZE = 256;
export const S_METADATA_UUID = 0x23b;
export const S_SYS_CHUNK_ARRAY = 0x32b;
export const SYS_CHUNK_ARRAY_SIZE = 2048;

export const INCOMPAT = {
  MIXED_BACKREF: 1n << 0n,
  DEFAULT_SUBVOL: 1n << 1n,
  MIXED_GROUPS: 1n << 2n,
  COMPRESS_LZO: 1n << 3n,
  COMPRESS_ZSTD: 1n << 4n,
  BIG_METADATA: 1n << 5n,
  EXTENDED_IREF: 1n << 6n,
  RAID56: 1n << 7n,
  SKINNY_METADATA: 1n << 8n,
  NO_HOLES: 1n << 9n,
  METADATA_UUID: 1n << 10n,
  RAID1C34: 1n << 11n,
  ZONED: 1n << 12n,
  EXTENT_TREE_V2: 1n << 13n,
  RAID_STRIPE_TREE: 1n << 14n,
  SIMPLE_QUOTA: 1n << 16n,
} as const;
export const COMPAT_RO = {
  FREE_SPACE_TREE: 1n << 0n,
  FREE_SPACE_TREE_VALID: 1n << 1n,
  VERITY: 1n << 2n,
  BLOCK_GROUP_TREE: 1n << 3n,
} as const;

/** Where a tree block keeps what it says of itself. */
export const BLOCK_HEADER = {
  bytenr: [0x30, 'u64'],
  generation: [0x50, 'u64'],
  nritems: [0x60, 'u32'],
  level: [0x64, 'u8'],
} as const satisfies Layout;
export const BLOCK_FSID = 0x20;
export const BLOCK_HEADER_SIZE = 101;
export const KEY_SIZE = 17;
/** Of a leaf: key, then offset (from the end of the header) and size of what belongs to it. */
export const ITEM_SIZE = 25;
/** Of an inner block: key, then address and generation of the block below. */
export const POINTER_SIZE = 33;
export const MAX_LEVEL = 7;

export const TREE = {
  ROOT: 1,
  EXTENT: 2,
  CHUNK: 3,
  FS: 5,
  CSUM: 7,
  FREE_SPACE: 10,
  BLOCK_GROUP: 11,
} as const;
export const ROOT_TREE_DIRECTORY = 6;
export const DEVICE_ITEMS = 1;
export const CHUNKS = 256;
export const FIRST_FREE_ID = 256;
export const LAST_FREE_ID = -256;
/** The topmost folder of every tree of files. */
export const ROOT_FOLDER = 256;
/** What stands where a subvolume is not, in a snapshot of what was around it. */
export const EMPTY_SUBVOLUME_FOLDER = 2;
export const TREE_LOG = -6;
export const EXTENT_CHECKSUMS = -10;

export const ITEM = {
  INODE: 1,
  INODE_REF: 12,
  INODE_EXTREF: 13,
  XATTR: 24,
  DIR_LOG_INDEX: 72,
  DIR: 84,
  DIR_INDEX: 96,
  EXTENT_DATA: 108,
  EXTENT_CHECKSUM: 128,
  ROOT: 132,
  ROOT_BACKREF: 144,
  ROOT_REF: 156,
  EXTENT: 168,
  METADATA: 169,
  BLOCK_GROUP: 192,
  FREE_SPACE_INFO: 198,
  FREE_SPACE_EXTENT: 199,
  FREE_SPACE_BITMAP: 200,
  DEVICE: 216,
  CHUNK: 228,
} as const;

export const CHUNK = {
  length: [0, 'u64'],
  stripe_len: [16, 'u64'],
  type: [24, 'bits64'],
  num_stripes: [44, 'u16'],
  sub_stripes: [46, 'u16'],
} as const satisfies Layout;
export const CHUNK_SIZE = 48;
export const STRIPE = { devid: [0, 'u64'], offset: [8, 'u64'] } as const satisfies Layout;
export const STRIPE_SIZE = 32;
/** Of every chunk that Linux makes or takes. */
export const STRIPE_LENGTH = 0x10000;

export const GROUP = {
  DATA: 1n << 0n,
  SYSTEM: 1n << 1n,
  METADATA: 1n << 2n,
  RAID0: 1n << 3n,
  RAID1: 1n << 4n,
  DUP: 1n << 5n,
  RAID10: 1n << 6n,
  RAID5: 1n << 7n,
  RAID6: 1n << 8n,
  RAID1C3: 1n << 9n,
  RAID1C4: 1n << 10n,
} as const;

export const DEVICE_ITEM = { devid: [0, 'u64'], total_bytes: [8, 'u64'] } as const satisfies Layout;
export const DEVICE_UUID = 66;

export const INODE = {
  generation: [0, 'u64'],
  size: [16, 'u64'],
  nlink: [40, 'u32'],
  uid: [44, 'u32'],
  gid: [48, 'u32'],
  mode: [52, 'u32'],
  rdev: [56, 'u64'],
  flags: [64, 'bits64'],
} as const satisfies Layout;
export const INODE_SIZE = 160;
export const INODE_ATIME = 112;
export const INODE_CTIME = 124;
export const INODE_MTIME = 136;
export const INODE_OTIME = 148;
export const INODE_NODATASUM = 1n;

export const ROOT = {
  bytenr: [176, 'u64'],
  flags: [208, 'bits64'],
  refs: [216, 'u32'],
  level: [238, 'u8'],
  generation: [160, 'u64'],
} as const satisfies Layout;
export const ROOT_SIZE = 239;
export const ROOT_READ_ONLY = 1n;

export const ROOT_REF = { dirid: [0, 'u64'], name_len: [16, 'u16'] } as const satisfies Layout;
export const ROOT_REF_SIZE = 18;

export const INODE_REF = { index: [0, 'u64'], name_len: [8, 'u16'] } as const satisfies Layout;
export const INODE_REF_SIZE = 10;
export const INODE_EXTREF = {
  parent_objectid: [0, 'u64'],
  index: [8, 'u64'],
  name_len: [16, 'u16'],
} as const satisfies Layout;
export const INODE_EXTREF_SIZE = 18;

/** Behind the key of what is named. The layout of attributes too. */
export const DIR = { data_len: [25, 'u16'], name_len: [27, 'u16'], type: [29, 'u8'] } as const satisfies Layout;
export const DIR_SIZE = 30;
/** What entries say of the type, by the highest four bits of modes. */
export const DIR_TYPE: readonly (number | undefined)[] = Object.assign([], {
  1: 5,
  2: 3,
  4: 2,
  6: 4,
  8: 1,
  10: 7,
  12: 6,
});
/** Said of entries of encrypted folders, beside the type. */
export const DIR_TYPE_MASK = 0x7f;

export const EXTENT = {
  ram_bytes: [8, 'u64'],
  compression: [16, 'u8'],
  encryption: [17, 'u8'],
  other_encoding: [18, 'u16'],
  type: [20, 'u8'],
} as const satisfies Layout;
export const EXTENT_INLINE_SIZE = 21;
export const EXTENT_REGULAR = {
  disk_bytenr: [21, 'u64'],
  disk_num_bytes: [29, 'u64'],
  offset: [37, 'u64'],
  num_bytes: [45, 'u64'],
} as const satisfies Layout;
export const EXTENT_REGULAR_SIZE = 53;
export const EXTENT_TYPE = { INLINE: 0, REGULAR: 1, PREALLOCATED: 2 } as const;
/** The most that is compressed at once, and the most that comes of it. */
export const MAX_COMPRESSED_EXTENT = 0x20000;

export const BLOCK_GROUP = { used: [0, 'u64'] } as const satisfies Layout;
