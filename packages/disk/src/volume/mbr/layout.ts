// Master boot record, and the extended boot records of logical partitions: little-endian, one sector each

export const MBR_SIZE = 512;
export const MBR_SIGNATURE = 0xaa55;
export const MBR = { disk_signature: [440, 'u32'], signature: [510, 'u16'] } as const;

export const MBR_ENTRIES_OFFSET = 446;
export const MBR_ENTRY_SIZE = 16;
export const MBR_ENTRY = {
  status: [0, 'u8'],
  type: [4, 'u8'],
  start: [8, 'u32'],
  sectors: [12, 'u32'],
} as const;

export const ACTIVE = 0x80;
export const PROTECTIVE_TYPE = 0xee;
export const EXTENDED_TYPES: ReadonlySet<number> = new Set([0x05, 0x0f, 0x85, 0xc5]);

/** Security rule R7. */
export const LONGEST_CHAIN = 128;
export const FIRST_LOGICAL = 5;
