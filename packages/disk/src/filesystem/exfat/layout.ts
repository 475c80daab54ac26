// exFAT, revision 1.0: little-endian, spelled as in the kernel's fs/exfat/exfat_raw.h
import type { Layout } from '../../fields.ts';

export const BOOT_SECTOR_SIZE = 512;
export const FILE_SYSTEM_NAME = 'EXFAT   ';
export const FILE_SYSTEM_NAME_OFFSET = 3;
/** Where FAT has its numbers, so that nobody takes this for FAT. */
export const MUST_BE_ZERO = { start: 11, end: 64 } as const;
export const BOOT_SECTOR = {
  vol_length: [72, 'u64'],
  fat_offset: [80, 'u32'],
  fat_length: [84, 'u32'],
  clu_offset: [88, 'u32'],
  clu_count: [92, 'u32'],
  root_cluster: [96, 'u32'],
  fs_revision: [104, 'u16'],
  vol_flags: [106, 'u16'],
  sect_size_bits: [108, 'u8'],
  sect_per_clus_bits: [109, 'u8'],
  num_fats: [110, 'u8'],
  signature: [510, 'u16'],
} as const satisfies Layout;
export const BOOT_SIGNATURE = 0xaa55;

/** Sectors that the checksum covers, and that of the checksum behind them. */
export const CHECKED_SECTORS = 11;
/** Bytes that change while the volume is in use, and are left out of the checksum: flags, and percent in use. */
export const UNCHECKED_BYTES: ReadonlySet<number> = new Set([106, 107, 112]);

export const VOLUME_FLAG = { ACTIVE_FAT: 0x1, DIRTY: 0x2, MEDIA_FAILURE: 0x4 } as const;
export const MIN_SECTOR_BITS = 9;
export const MAX_SECTOR_BITS = 12;
/** Clusters have at most 32 MiB. */
export const MAX_CLUSTER_BITS = 25;
export const MAX_CLUSTER_COUNT = 2 ** 32 - 11;
/** 2^23 entries. */
export const MAX_FOLDER_BYTES = 256 * 1024 * 1024;

export const TABLE_ENTRY_SIZE = 4;
export const BAD_CLUSTER = 0xfffffff7;

export const ENTRY_SIZE = 32;
/** The first byte of an entry. What lacks the bit IN_USE was deleted; what has SECONDARY continues the entry before. */
export const IN_USE = 0x80;
export const SECONDARY = 0x40;
/** An entry that may be passed over by who does not know it. */
export const BENIGN = 0x20;
export const TYPE = { END: 0x00, BITMAP: 0x81, UPCASE: 0x82, FILE: 0x85, STREAM: 0xc0, NAME: 0xc1 } as const;

export const BITMAP = { flags: [1, 'u8'], start_clu: [20, 'u32'], size: [24, 'u64'] } as const satisfies Layout;
export const BITMAP_SECOND = 0x1;
export const UPCASE = { checksum: [4, 'u32'], start_clu: [20, 'u32'], size: [24, 'u64'] } as const satisfies Layout;

export const SECONDARY_COUNT = 1;
/** A stream and 17 pieces of a name, and room for entries that only others know. */
export const MIN_SECONDARIES = 2;
export const SET_CHECKSUM = 2;
export const FILE = {
  checksum: [2, 'u16'],
  attr: [4, 'u16'],
  create_time: [8, 'u16'],
  create_date: [10, 'u16'],
  modify_time: [12, 'u16'],
  modify_date: [14, 'u16'],
  access_time: [16, 'u16'],
  access_date: [18, 'u16'],
  create_time_cs: [20, 'u8'],
  modify_time_cs: [21, 'u8'],
  create_tz: [22, 'u8'],
  modify_tz: [23, 'u8'],
  access_tz: [24, 'u8'],
} as const satisfies Layout;
export const ATTR = { READ_ONLY: 0x01, DIRECTORY: 0x10 } as const;

export const STREAM = {
  flags: [1, 'u8'],
  name_len: [3, 'u8'],
  valid_size: [8, 'u64'],
  start_clu: [20, 'u32'],
  size: [24, 'u64'],
} as const satisfies Layout;
/** All clusters lie in one row, and the table says nothing of them. */
export const NO_FAT_CHAIN = 0x2;

export const NAME_UNITS = 15;
export const NAME_OFFSET = 2;
