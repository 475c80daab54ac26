// QEMU copy-on-write image, versions 2 and 3: big-endian. Spelling of fields: docs/interop/qcow2 of qemu

export const QCOW2_MAGIC = 0x514649fb; // 'QFI\xfb'
export const V2_HEADER_SIZE = 72;
export const V3_HEADER_SIZE = 104;

export const QCOW2_HEADER = {
  magic: [0, 'u32be'],
  version: [4, 'u32be'],
  backing_file_offset: [8, 'u64be'],
  backing_file_size: [16, 'u32be'],
  cluster_bits: [20, 'u32be'],
  size: [24, 'u64be'],
  crypt_method: [32, 'u32be'],
  l1_size: [36, 'u32be'],
  l1_table_offset: [40, 'u64be'],
  refcount_table_offset: [48, 'u64be'],
  refcount_table_clusters: [56, 'u32be'],
  nb_snapshots: [60, 'u32be'],
  snapshots_offset: [64, 'u64be'],
} as const;

/** What version 3 adds. */
export const QCOW2_HEADER_V3 = {
  incompatible_features: [72, 'bits64be'],
  compatible_features: [80, 'bits64be'],
  autoclear_features: [88, 'bits64be'],
  refcount_order: [96, 'u32be'],
  header_length: [100, 'u32be'],
} as const;

export const COMPRESSION_TYPE_OFFSET = 104;

export const EXTENSION_HEADER = { type: [0, 'u32be'], length: [4, 'u32be'] } as const;

export const EXTENSION = {
  end: 0,
  backingFormat: 0xe2792aca,
  featureNames: 0x6803f857,
  bitmaps: 0x23852875,
  dataFile: 0x44415441,
  encryptionHeader: 0x0537be77,
} as const;

export const BITMAPS_EXTENSION = {
  nb_bitmaps: [0, 'u32be'],
  bitmap_directory_size: [8, 'u64be'],
  bitmap_directory_offset: [16, 'u64be'],
} as const;

export const ENCRYPTION_EXTENSION = { offset: [0, 'u64be'], length: [8, 'u64be'] } as const;

/** Values of crypt_method; the first is a scheme that qemu itself gave up. */
export const CRYPT_METHOD = { none: 0, aes: 1, luks: 2 } as const;

export const FEATURE_NAME_SIZE = 48;
export const FEATURE_TYPES = ['incompatible', 'compatible', 'autoclear'] as const;

/** Bit numbers of the features we know; any other incompatible one must be refused. */
export const INCOMPATIBLE = { dirty: 0, corrupt: 1, dataFile: 2, compressionType: 3, extendedL2: 4 } as const;
export const COMPATIBLE = { lazyRefcounts: 0 } as const;
export const AUTOCLEAR = { bitmaps: 0, rawDataFile: 1 } as const;

export const COMPRESSION_TYPES = ['zlib', 'zstd'] as const;

// entries of L1 and L2 tables are 64 bits, read here as two words: bits 9 to 55 hold a host offset
export const OFFSET_HIGH_MASK = 0x00ffffff;
export const OFFSET_LOW_MASK = 0xfffffe00;
/** Of the high word. */
export const ENTRY_COPIED = 0x80000000;
export const ENTRY_COMPRESSED = 0x40000000;
/** Of the low word: reads as zero, with or without a cluster behind it. */
export const ENTRY_ZERO = 1;

export const SUBCLUSTERS = 32;

export const SNAPSHOT = {
  l1_table_offset: [0, 'u64be'],
  l1_size: [8, 'u32be'],
  id_str_size: [12, 'u16be'],
  name_size: [14, 'u16be'],
  date_sec: [16, 'u32be'],
  date_nsec: [20, 'u32be'],
  vm_clock_nsec: [24, 'bits64be'],
  vm_state_size: [32, 'u32be'],
  extra_data_size: [36, 'u32be'],
} as const;
export const SNAPSHOT_SIZE = 40;
/** Start of the extra data; present when extra_data_size says so. */
export const SNAPSHOT_EXTRA = { vm_state_size: [0, 'u64be'], disk_size: [8, 'u64be'] } as const;

export const BITMAP = {
  bitmap_table_offset: [0, 'u64be'],
  bitmap_table_size: [8, 'u32be'],
  flags: [12, 'u32be'],
  type: [16, 'u8'],
  granularity_bits: [17, 'u8'],
  name_size: [18, 'u16be'],
  extra_data_size: [20, 'u32be'],
} as const;
export const BITMAP_SIZE = 24;
export const BITMAP_FLAG = { inUse: 1, auto: 2 } as const;

/** Bounds of what an image may ask for: security rule R6, and qemu's own. */
export const LIMIT = {
  virtualSize: 64 * 2 ** 40,
  clusterBits: { least: 9, most: 21 },
  /** 32 subclusters of 512 bytes. */
  extendedL2ClusterBits: 14,
  refcountOrder: 6,
  l1Bytes: 32 * 2 ** 20,
  refcountTableBytes: 8 * 2 ** 20,
  backingNameBytes: 1023,
  snapshots: 65536,
  snapshotExtraBytes: 1024,
  snapshotTableBytes: 16 * 2 ** 20,
  bitmaps: 65535,
  bitmapDirectoryBytes: 16 * 2 ** 20,
} as const;
