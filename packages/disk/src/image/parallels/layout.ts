// Parallels image (.hds), version 2: little-endian, at the start of the file. Spelling of fields: docs/interop/parallels of qemu

/** What the block table counts in. */
export type BlockUnit = 'sectors' | 'clusters';

export const PARALLELS_MAGICS: ReadonlyMap<string, BlockUnit> = new Map([
  ['WithoutFreeSpace', 'sectors'],
  ['WithouFreSpacExt', 'clusters'],
]);
export const MAGIC_SIZE = 16;
export const PARALLELS_VERSION = 2;

export const PARALLELS_HEADER_SIZE = 64;
export const PARALLELS_HEADER = {
  version: [16, 'u32'],
  /** Sectors in a cluster. */
  tracks: [28, 'u32'],
  bat_entries: [32, 'u32'],
  nb_sectors: [36, 'bits64'],
  in_use: [44, 'u32'],
  data_off: [48, 'u32'],
  flags: [52, 'u32'],
  ext_off: [56, 'bits64'],
} as const;

/** in_use while a writer has the image open. */
export const IN_USE = 0x746f6e59;

/** What the description of a bundle (.hdd) starts with, after the XML declaration. */
export const BUNDLE_ROOT = '<Parallels_disk_image';

export const SECTOR_SIZE = 512;

/** Bounds of what an image may ask for: security rule R6, and qemu's own. */
export const LIMIT = { virtualSize: 64 * 2 ** 40, clusterSectors: 4_186_127 } as const;
