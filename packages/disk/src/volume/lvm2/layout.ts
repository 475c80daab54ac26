// LVM2 on-disk format: little-endian. libvslvm documentation; lib/format_text of lvm2

export const LABEL_SECTORS = 4;
export const SECTOR_BYTES = 512;
export const LABEL_ID = 'LABELONE';
export const LABEL_TYPE = 'LVM2 001';
export const LABEL = { sector_xl: [8, 'u64'], crc_xl: [16, 'u32'], offset_xl: [20, 'u32'] } as const;
export const LABEL_TYPE_AT = 24;
/** What the checksum of a label covers. */
export const LABEL_CHECKED_FROM = 20;

export const PV_ID_BYTES = 32;
/** After the identity: the size of the device, then areas of data and of metadata, each list ended by an empty one. */
export const PV_AREAS_AT = 40;
export const AREA_BYTES = 16;
export const AREA = { offset: [0, 'u64'], size: [8, 'u64'] } as const;

export const MDA_HEADER_BYTES = 512;
export const MDA_MAGIC = ' LVM2 x[5A%r0N*>';
export const MDA_MAGIC_AT = 4;
export const MDA_HEADER = {
  checksum_xl: [0, 'u32'],
  version: [20, 'u32'],
  start: [24, 'u64'],
  size: [32, 'u64'],
} as const;
export const MDA_CHECKED_FROM = 4;
export const RAW_LOCN_AT = 40;
export const RAW_LOCN = {
  offset: [0, 'u64'],
  size: [8, 'u64'],
  checksum: [16, 'u32'],
  flags: [20, 'u32'],
} as const;
export const RAW_LOCN_BYTES = 24;
export const RAW_LOCN_IGNORED = 1;

/** What the checksums start from. */
export const CHECKSUM_SEED = 0xf597a6cf;

/** Bounds of what an image may ask for (security rules R6, R7). */
export const LIMIT = {
  areas: 16,
  metadataBytes: 16 * 2 ** 20,
  nesting: 16,
  volumes: 16_384,
  segments: 65_536,
  stripes: 128,
  /** Logical volumes on logical ones. */
  depth: 12,
  extentSectors: 2 ** 26,
} as const;
