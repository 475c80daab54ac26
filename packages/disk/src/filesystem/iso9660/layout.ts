// ECMA-119 (ISO 9660), SUSP (IEEE P1281) for what Rock Ridge is written in, RRIP (IEEE P1282) for Rock Ridge itself, the zisofs
// description of libisofs, and the El Torito specification 1.0. Numbers stand in both byte orders, the little one first.

/** Descriptors and folders are cut into sectors, whatever a block is. */
export const SECTOR_SIZE = 2048;
export const DESCRIPTORS_AT = 16 * SECTOR_SIZE;
export const STANDARD_ID = 'CD001';
export const STANDARD_ID_AT = 1;
/** More than any disc has: they end with a terminator. */
export const MOST_DESCRIPTORS = 64;

export const DESCRIPTOR = { type: [0, 'u8'], version: [6, 'u8'] } as const;
export const DESCRIPTOR_TYPE = { boot: 0, primary: 1, supplementary: 2, terminator: 255 } as const;

export const VOLUME_DESCRIPTOR = {
  volume_space_size: [80, 'u32'],
  volume_space_size_be: [84, 'u32be'],
  logical_block_size: [128, 'u16'],
  logical_block_size_be: [130, 'u16be'],
} as const;
export const ROOT_RECORD = { start: 156, end: 190 } as const;
export const ESCAPE_SEQUENCES = { start: 88, end: 120 } as const;
/** UCS-2 level 1, 2 and 3: what makes a supplementary descriptor a Joliet one. */
export const JOLIET_ESCAPES: readonly string[] = ['%/@', '%/C', '%/E'];
/** Of a supplementary descriptor: ISO 9660:1999, with long names and no version numbers. */
export const ENHANCED_VERSION = 2;

export const RECORD_HEADER_SIZE = 33;
export const RECORD = {
  length: [0, 'u8'],
  extended_attribute_length: [1, 'u8'],
  extent: [2, 'u32'],
  data_length: [10, 'u32'],
  flags: [25, 'u8'],
  file_unit_size: [26, 'u8'],
  interleave_gap_size: [27, 'u8'],
  identifier_length: [32, 'u8'],
} as const;
export const RECORD_EXTENT_BE = { extent_be: [6, 'u32be'], data_length_be: [14, 'u32be'] } as const;
export const RECORD_DATE_AT = 18;
export const FLAG = { directory: 0x02, associated: 0x04, multiExtent: 0x80 } as const;

/** The least that an entry of a system use area has: signature, length, version. */
export const ENTRY_HEADER_SIZE = 4;
/** What Linux follows at most. */
export const MOST_CONTINUATIONS = 32;
export const LARGEST_CONTINUATION = 32768;
export const CONTINUATION = { block: [0, 'u32'], offset: [8, 'u32'], length: [16, 'u32'] } as const;
/** `SP` in full: it says that the rest is to be believed. Where a CD-ROM XA record comes first, it stands behind that. */
export const SHARING_PROTOCOL: readonly number[] = [0x53, 0x50, 7, 1, 0xbe, 0xef];
export const SHARING_SKIP_AT = 6;
export const XA_RECORD_SIZE = 14;

export const ROCK_RIDGE_IDS: readonly string[] = ['RRIP_1991A', 'IEEE_P1282', 'IEEE_1282'];
export const EXTENSION_REFERENCE = { id_length: [0, 'u8'] } as const;
export const EXTENSION_ID_AT = 4;

// what follows the header of each entry
export const POSIX = { mode: [0, 'u32'], links: [8, 'u32'], uid: [16, 'u32'], gid: [24, 'u32'] } as const;
export const POSIX_SERIAL = { serial: [32, 'u32'] } as const;
export const POSIX_WITH_SERIAL_SIZE = 40;
export const DEVICE = { high: [0, 'u32'], low: [8, 'u32'] } as const;
export const CHILD_LINK = { block: [0, 'u32'] } as const;

export const NAME_FLAG = { current: 0x02, parent: 0x04 } as const;
export const LINK_FLAG = { continue: 0x01, current: 0x02, parent: 0x04, root: 0x08 } as const;
export const LONGEST_NAME = 255;
export const LONGEST_TARGET = 4096;

/** The times of `TF`, in the order in which those that are marked stand. */
export const TIMES = ['created', 'modified', 'accessed', 'changed', 'backup', 'expires', 'effective'] as const;
export const LONG_TIMES = 0x80;
export const SHORT_TIME_SIZE = 7;
export const LONG_TIME_SIZE = 17;

export const ZISOFS_ENTRY = { header_size: [2, 'u8'], block_log: [3, 'u8'], size: [4, 'u32'] } as const;
export const ZISOFS_ALGORITHM = 'pz';
export const ZISOFS_MAGIC: readonly number[] = [0x37, 0xe4, 0x53, 0x96, 0xc9, 0xdb, 0xd6, 0x07];
export const ZISOFS_HEADER_SIZE = 16;
export const ZISOFS_HEADER = { size: [8, 'u32'], header_size: [12, 'u8'], block_log: [13, 'u8'] } as const;
export const ZISOFS_BLOCK_LOG = { least: 15, most: 17 } as const;

export const EL_TORITO_ID = 'EL TORITO SPECIFICATION';
export const EL_TORITO_ID_AT = 7;
export const BOOT_CATALOGUE = { sector: [71, 'u32'] } as const;
export const BOOT_ENTRY_SIZE = 32;
export const VALIDATION_ENTRY = { header_id: [0, 'u8'], platform: [1, 'u8'], key: [30, 'u16be'] } as const;
export const VALIDATION_KEY = 0x55aa;
export const BOOT_ENTRY = {
  indicator: [0, 'u8'],
  media: [1, 'u8'],
  load_segment: [2, 'u16'],
  sector_count: [6, 'u16'],
  load_sector: [8, 'u32'],
} as const;
export const BOOT_SECTION = { indicator: [0, 'u8'], platform: [1, 'u8'], count: [2, 'u16'] } as const;
export const BOOT_INDICATOR = { bootable: 0x88, extension: 0x44, section: 0x90, lastSection: 0x91 } as const;
