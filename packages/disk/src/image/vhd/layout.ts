// Virtual Hard Disk Image Format Specification 1.0 (2006): big-endian. The footer is the last sector of the file; dynamic and
// differencing disks have a copy of it at the start, then a header, a block allocation table, and blocks after their sector bitmaps

export const SECTOR_SIZE = 512;

export const FOOTER_COOKIE = 'conectix';
export const FOOTER_SIZE = 512;
/** Virtual PC before 2004 left out the last byte. */
export const SHORT_FOOTER_SIZE = 511;
export const FOOTER = {
  file_format_version: [12, 'u32be'],
  data_offset: [16, 'bits64be'],
  timestamp: [24, 'u32be'],
  current_size: [48, 'u64be'],
  cylinders: [56, 'u16be'],
  heads: [58, 'u8'],
  sectors_per_track: [59, 'u8'],
  disk_type: [60, 'u32be'],
  checksum: [64, 'u32be'],
  saved_state: [84, 'u8'],
} as const;
export const FOOTER_CHECKSUM_AT = 64;
export const CREATOR_APPLICATION_AT = 28;
export const CREATOR_HOST_OS_AT = 36;
export const UNIQUE_ID_AT = 68;

export const DISK_TYPES: Readonly<Record<number, 'fixed' | 'dynamic' | 'differencing'>> = {
  2: 'fixed',
  3: 'dynamic',
  4: 'differencing',
};

/** Major number of the versions of footer and dynamic header. */
export const MAJOR_VERSION = 1;

/** Seconds from 1970 to 2000, from when on timestamps count. */
export const EPOCH_SECONDS = 946_684_800;

/** The most that cylinders, heads and sectors can say: disks that are larger say it too. */
export const LARGEST_GEOMETRY = 65_535 * 16 * 255;

/** Programs whose disks are as large as their geometry says; all others go by the current size. The list is qemu's. */
export const CREATORS_BY_GEOMETRY: readonly string[] = ['vpc ', 'qemu'];

export const HEADER_COOKIE = 'cxsparse';
export const HEADER_SIZE = 1024;
export const HEADER = {
  table_offset: [16, 'u64be'],
  header_version: [24, 'u32be'],
  max_table_entries: [28, 'u32be'],
  block_size: [32, 'u32be'],
  checksum: [36, 'u32be'],
  parent_timestamp: [56, 'u32be'],
} as const;
export const HEADER_CHECKSUM_AT = 36;
export const PARENT_UNIQUE_ID_AT = 40;
export const PARENT_NAME = { at: 64, sizeBytes: 512 } as const;

export const PARENT_LOCATORS = { at: 576, count: 8, sizeBytes: 24 } as const;
export const PARENT_LOCATOR = { platform_data_length: [8, 'u32be'], platform_data_offset: [16, 'u64be'] } as const;
/** Platform codes of the two that Windows writes: UTF-16, little-endian. */
export const LOCATOR = { relative: 'W2ru', absolute: 'W2ku' } as const;

/** An entry of the block allocation table whose block is not there. */
export const NO_BLOCK = 0xffffffff;

/** Bounds of what an image may ask for. */
export const LIMIT = {
  /** 2040 GiB, as qemu has it. */
  virtualSize: 0xff000000 * SECTOR_SIZE,
  /** Of a path that Windows can name. */
  locatorBytes: 65_536,
} as const;
