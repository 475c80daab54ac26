// Superblocks of Linux software RAID: include/uapi/linux/raid/md_p.h. Version 1 is little-endian.

export const MD_MAGIC = 0xa92b4efc;
export const SECTOR_BYTES = 512;

/** What every version begins with. */
export const SUPERBLOCK_HEAD = { magic: [0, 'u32'], major_version: [4, 'u32'] } as const;

export const SUPERBLOCK_1_BYTES = 256;
export const SUPERBLOCK_1 = {
  magic: [0, 'u32'],
  major_version: [4, 'u32'],
  feature_map: [8, 'u32'],
  level: [72, 'i32'],
  layout: [76, 'u32'],
  size: [80, 'u64'],
  chunksize: [88, 'u32'],
  raid_disks: [92, 'u32'],
  data_offset: [128, 'u64'],
  data_size: [136, 'u64'],
  super_offset: [144, 'u64'],
  dev_number: [160, 'u32'],
  events: [200, 'u64'],
  sb_csum: [216, 'u32'],
  max_dev: [220, 'u32'],
} as const;
export const SET_UUID_AT = 16;
export const CHECKSUM_1_AT = 216;
export const ROLES_AT = 256;
/** Roles from here on are no places in the array: spare, faulty, journal. */
export const ROLE_NONE = 0xfffd;
/** The end of version 1.0 is at least 8 KiB from the end, at a multiple of 4 KiB. */
export const MOST_ROLES = 1920;

export const FEATURE = {
  /** The member is being rebuilt: what lies behind an offset is not there yet. */
  recovery: 1 << 1,
  reshape: 1 << 2,
  /** The parity, or recent writes, are on a journal of their own. */
  journal: 1 << 9,
} as const;

export const SUPERBLOCK_0_BYTES = 4096;
/** The superblock of version 0.90 is in the last whole 64 KiB. */
export const SUPERBLOCK_0_ALIGNMENT = 64 * 1024;
/** In words of 32 bits, in the byte order of the machine that wrote it; the offsets here are bytes. */
export const SUPERBLOCK_0 = {
  magic: [0, 'u32'],
  major_version: [4, 'u32'],
  minor_version: [8, 'u32'],
  level: [28, 'i32'],
  size: [32, 'u32'],
  raid_disks: [40, 'u32'],
  sb_csum: [152, 'u32'],
  events_lo: [156, 'u32'],
  new_level: [184, 'i32'],
  delta_disks: [188, 'u32'],
  layout: [256, 'u32'],
  chunk_size: [260, 'u32'],
  this_raid_disk: [3980, 'u32'],
  this_state: [3984, 'u32'],
} as const;
export const UUID_0_WORDS = [20, 52, 56, 60] as const;
export const CHECKSUM_0_AT = 152;
/** Of a member: active and in step. */
export const STATE_ACTIVE_SYNC = 0b110;
export const STATE_FAULTY = 1;
export const MINOR_RESHAPE = 91;

/** Bounds of what an image may ask for (security rules R6, R7). */
export const LIMIT = { members: 384, chunkBytes: 64 * 2 ** 20 } as const;

export const LEVEL = { linear: -1, multipath: -4 } as const;
