// VMware virtual disk, VDF 5.0: a text that describes the disk, and extents. Little-endian; places and sizes in sectors.

export const SECTOR_SIZE = 512;

/** First words of the kinds of sparse extents. */
export const MAGIC = { hosted: 0x564d444b, cowd: 0x44574f43, seSparse: 0xcafebabe } as const;

/** Hosted sparse extent; a stream has the same header again in its footer. */
export const HOSTED_HEADER = {
  magicNumber: [0, 'u32'],
  version: [4, 'u32'],
  flags: [8, 'u32'],
  capacity: [12, 'u64'],
  grainSize: [20, 'u64'],
  descriptorOffset: [28, 'u64'],
  descriptorSize: [36, 'u64'],
  numGTEsPerGT: [44, 'u32'],
  rgdOffset: [48, 'bits64'],
  gdOffset: [56, 'bits64'],
  overHead: [64, 'u64'],
  uncleanShutdown: [72, 'u8'],
  singleEndLineChar: [73, 'u8'],
  nonEndLineChar: [74, 'u8'],
  doubleEndLineChar1: [75, 'u8'],
  doubleEndLineChar2: [76, 'u8'],
  compressAlgorithm: [77, 'u16'],
} as const;
export const HOSTED_FLAG = {
  newLineTest: 1,
  redundantTables: 2,
  zeroGrains: 4,
  compressed: 1 << 16,
  markers: 1 << 17,
} as const;
/** gdOffset of a stream whose footer says where the directory is. */
export const DIRECTORY_IN_FOOTER = 0xffff_ffff_ffff_ffffn;
export const DEFLATE = 1;
/** Grain table entry of a grain that is known to be zero, where the flag allows it. */
export const ZERO_GRAIN = 1;

/** Starts each part of a stream. With a size it is a grain, and val is where the grain is on the disk. */
export const MARKER = { val: [0, 'u64'], size: [8, 'u32'], type: [12, 'u32'] } as const;
export const MARKER_SIZE = 16;
/** The content of a grain follows its size. */
export const GRAIN_HEADER_SIZE = 12;
export const MARKER_TYPE = { endOfStream: 0, grainTable: 1, grainDirectory: 2, footer: 3 } as const;

/** VMFS sparse extent of ESX, "COWD". */
export const COWD_HEADER = {
  magicNumber: [0, 'u32'],
  version: [4, 'u32'],
  flags: [8, 'u32'],
  numSectors: [12, 'u32'],
  grainSize: [16, 'u32'],
  gdOffset: [20, 'u32'],
  numGDEntries: [24, 'u32'],
  freeSector: [28, 'u32'],
} as const;
export const COWD_HEADER_SIZE = 2048;
export const COWD_TABLE_ENTRIES = 4096;

/** Space-efficient sparse extent of ESXi, "seSparse": not published by VMware. Spelling of fields: block/vmdk of qemu */
export const SE_SPARSE_HEADER = {
  magic: [0, 'bits64'],
  version: [8, 'bits64'],
  capacity: [16, 'u64'],
  grain_size: [24, 'u64'],
  grain_table_size: [32, 'u64'],
  flags: [40, 'bits64'],
  volatile_header_offset: [80, 'u64'],
  journal_header_offset: [96, 'u64'],
  grain_dir_offset: [128, 'u64'],
  grain_dir_size: [136, 'u64'],
  grain_tables_offset: [144, 'u64'],
  grain_tables_size: [152, 'u64'],
  grains_offset: [192, 'u64'],
  grains_size: [200, 'u64'],
} as const;
export const SE_SPARSE_VERSION = 0x2_0000_0001n;
export const SE_SPARSE_GRAIN_SECTORS = 8;
export const SE_SPARSE_TABLE_SECTORS = 64;
export const SE_SPARSE_VOLATILE_HEADER = { magic: [0, 'bits64'], replay_journal: [24, 'bits64'] } as const;
export const SE_SPARSE_VOLATILE_MAGIC = 0xcafecafen;
/** The high word of a directory entry that names a table; the low word is the number of the table. */
export const SE_SPARSE_TABLE_IN_USE = 0x10000000;
/** By the highest 4 bits of a grain table entry. */
export const SE_SPARSE_ENTRY = { absent: 0, unmapped: 1, zero: 2, stored: 3 } as const;

/** Bounds of what an image may ask for: security rule R6, and qemu's own. */
export const LIMIT = {
  virtualSectors: 2 ** 37,
  descriptorBytes: 2 ** 20,
  extents: 1024,
  version: 3,
  grainSectors: 2 ** 21,
  /** A grain is unpacked as a whole. */
  compressedGrainSectors: 2 ** 15,
  tableEntries: 512,
  directoryBytes: 32 * 2 ** 20,
  /** Grains to find by reading a stream from its start, all held in memory: 128 GiB in grains of 64 KiB. */
  scannedGrains: 2 ** 21,
} as const;
