// EROFS: Documentation/filesystems/erofs.rst of Linux, and fs/erofs/erofs_fs.h for the fields. Little-endian.

export const SUPERBLOCK_AT = 1024;
export const SUPERBLOCK_SIZE = 128;
export const MAGIC = 0xe0f5e1e2;
export const SUPERBLOCK = {
  magic: [0, 'u32'],
  checksum: [4, 'u32'],
  feature_compat: [8, 'u32'],
  blkszbits: [12, 'u8'],
  root_nid: [14, 'u16'],
  build_time: [24, 'u64'],
  build_time_nsec: [32, 'u32'],
  blocks: [36, 'u32'],
  meta_blkaddr: [40, 'u32'],
  xattr_blkaddr: [44, 'u32'],
  feature_incompat: [80, 'u32'],
  dirblkbits: [90, 'u8'],
  xattr_prefix_count: [91, 'u8'],
  xattr_prefix_start: [92, 'u32'],
  packed_nid: [96, 'u64'],
} as const;
export const UUID = { start: 48, end: 64 } as const;
export const VOLUME_NAME = { at: SUPERBLOCK_AT + 64, length: 16 } as const;
export const BLOCK_BITS = { least: 9, most: 16 } as const;

export const COMPAT_CHECKSUM = 0x1;
export const INCOMPAT = {
  /** Packed blocks stand at the end of their room, zeros in front. */
  zeroPadding: 0x1,
  fragments: 0x20,
} as const;
/** Padding, compression settings, chunks, a second algorithm, inline tails, fragments, long prefixes of attributes. */
export const INCOMPAT_KNOWN = 0x7f;

/** Inodes are numbered by their places in units of this. */
export const INODE_UNIT = 32;
export const INODE_FORMAT = { i_format: [0, 'u16'], i_xattr_icount: [2, 'u16'], i_mode: [4, 'u16'] } as const;
export const COMPACT_INODE_SIZE = 32;
export const COMPACT_INODE = {
  i_nlink: [6, 'u16'],
  i_size: [8, 'u32'],
  i_u: [16, 'u32'],
  i_uid: [24, 'u16'],
  i_gid: [26, 'u16'],
} as const;
export const EXTENDED_INODE_SIZE = 64;
export const EXTENDED_INODE = {
  i_size: [8, 'u64'],
  i_u: [16, 'u32'],
  i_uid: [24, 'u32'],
  i_gid: [28, 'u32'],
  i_mtime: [32, 'bits64'],
  i_mtime_nsec: [40, 'u32'],
  i_nlink: [44, 'u32'],
} as const;
export const DATA_LAYOUTS = ['plain', 'full', 'inline', 'compact', 'chunks'] as const;

/** In `i_u` of a file of chunks. */
export const CHUNK_BITS = 0x1f;
export const CHUNK_INDEXES = 0x20;
export const CHUNK_KNOWN = 0x3f;
export const CHUNK_INDEX_SIZE = 8;
export const CHUNK_INDEX = { device_id: [2, 'u16'], blkaddr: [4, 'u32'] } as const;
export const BLOCK_ADDRESS_SIZE = 4;
export const NO_BLOCK = 0xffff_ffff;

export const DIRENT_SIZE = 12;
export const DIRENT = { nid: [0, 'u64'], nameoff: [8, 'u16'], file_type: [10, 'u8'] } as const;
export const LONGEST_NAME = 255;

export const XATTR_HEADER_SIZE = 12;
export const XATTR_HEADER = { h_shared_count: [4, 'u8'] } as const;
export const XATTR_ENTRY_SIZE = 4;
export const XATTR_ENTRY = { e_name_len: [0, 'u8'], e_name_index: [1, 'u8'], e_value_size: [2, 'u16'] } as const;
export const XATTR_PREFIXES: readonly (string | undefined)[] = [
  undefined,
  'user.',
  'system.posix_acl_access',
  'system.posix_acl_default',
  'trusted.',
  'lustre.',
  'security.',
];
/** The index is one of the prefixes that the image names itself. */
export const XATTR_LONG_PREFIX = 0x80;

export const MAP_HEADER_SIZE = 8;
export const MAP_HEADER = {
  h_idata_size: [2, 'u16'],
  h_advise: [4, 'u16'],
  h_algorithmtype: [6, 'u8'],
  h_clusterbits: [7, 'u8'],
} as const;
export const ADVISE = {
  compact2Bytes: 0x1,
  bigPclusterHead1: 0x2,
  bigPclusterHead2: 0x4,
  inlinePcluster: 0x8,
  interlacedPcluster: 0x10,
  fragmentPcluster: 0x20,
} as const;
export const ADVISE_KNOWN = 0x3f;
export const CLUSTER_BITS = 0x0f;
/** In `h_clusterbits`: the whole file is a fragment. */
export const FRAGMENT_INODE = 0x80;
export const ALGORITHMS: readonly string[] = ['lz4', 'lzma', 'deflate', 'zstd'];

/** Between the header and the full indexes. */
export const FULL_INDEX_PADDING = 8;
export const FULL_INDEX_SIZE = 8;
export const FULL_INDEX = {
  di_advise: [0, 'u16'],
  di_clusterofs: [2, 'u16'],
  blkaddr: [4, 'u32'],
  delta0: [4, 'u16'],
} as const;
export const LCLUSTER_TYPE = { plain: 0, head1: 1, nonhead: 2, head2: 3 } as const;
/** In place of the distance to the head, in the first behind it: how many blocks the head's cluster has. */
export const BLOCK_COUNT_FLAG = 0x800;
/** The most that Linux unpacks one cluster to. */
export const LARGEST_EXTENT = 12 * 2 ** 20;
export const LARGEST_PCLUSTER = 2 ** 20;
