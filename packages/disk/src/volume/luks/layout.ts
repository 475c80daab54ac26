// LUKS on-disk format, version 1.2.3 (LUKS1) and 1.1.x (LUKS2): big-endian, at the start of the volume

export const LUKS_MAGIC = '4c554b53babe';
/** Of the second header of LUKS2. */
export const LUKS2_SECOND_MAGIC = '534b554cbabe';
export const SECTOR_BYTES = 512;

export const LUKS_VERSION = { version: [6, 'u16be'] } as const;

export const LUKS1_HEADER_SIZE = 592;
export const LUKS1_HEADER = {
  'payload-offset': [104, 'u32be'],
  'key-bytes': [108, 'u32be'],
  'mk-digest-iter': [164, 'u32be'],
} as const;
/** Where texts and raw bytes are: offset and length. */
export const LUKS1_BYTES = {
  'cipher-name': [8, 32],
  'cipher-mode': [40, 32],
  'hash-spec': [72, 32],
  'mk-digest': [112, 20],
  'mk-digest-salt': [132, 32],
} as const;

export const LUKS1_SLOTS_AT = 208;
export const LUKS1_SLOTS = 8;
export const LUKS1_SLOT_SIZE = 48;
export const LUKS1_SLOT = {
  active: [0, 'u32be'],
  iterations: [4, 'u32be'],
  'key-material-offset': [40, 'u32be'],
  stripes: [44, 'u32be'],
} as const;
export const LUKS1_SLOT_SALT = [8, 32] as const;
export const LUKS1_SLOT_ACTIVE = 0x00ac71f3;

export const LUKS2_HEADER_SIZE = 4096;
export const LUKS2_HEADER = { hdr_size: [8, 'u64be'], seqid: [16, 'u64be'], hdr_offset: [256, 'u64be'] } as const;
export const LUKS2_CHECKSUM_ALGORITHM = [72, 32] as const;
export const LUKS2_CHECKSUM = [448, 64] as const;
/** Where the second header may be; which of them depends on the size of the first. */
export const LUKS2_SECOND_OFFSETS = [
  0x4000, 0x8000, 0x10000, 0x20000, 0x40000, 0x80000, 0x100000, 0x200000, 0x400000,
] as const;

/** Bounds of what a header may ask for, so that a hostile one costs neither memory nor time (security rules R6, R7). */
export const LIMIT = {
  headerBytes: 4 * 2 ** 20,
  keyBytes: 512,
  keyMaterialBytes: 16 * 2 ** 20,
  /** Twice as many as any writer splits a key into: each costs a hash or two. */
  stripes: 8000,
  keySlots: 32,
  saltBytes: 1024,
  /** What cryptsetup takes at most. */
  argon2MemoryKib: 2 ** 20,
  argon2Lanes: 16,
} as const;
