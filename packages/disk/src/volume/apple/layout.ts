// Apple partition map: big-endian; one entry a block from the second block on, the first of which describes the map itself

export const DRIVER_SIGNATURE = 0x4552; // 'ER'
export const DRIVER = { signature: [0, 'u16be'], block_size: [2, 'u16be'] } as const;

export const APPLE_SIGNATURE = 0x504d; // 'PM'
export const APPLE_ENTRY_SIZE = 136;
export const APPLE_ENTRY = {
  signature: [0, 'u16be'],
  map_entries: [4, 'u32be'],
  start: [8, 'u32be'],
  blocks: [12, 'u32be'],
} as const;
export const APPLE_NAME = { start: 16, end: 48 } as const;
export const APPLE_TYPE = { start: 48, end: 80 } as const;

/** As Linux bounds it. */
export const MOST_APPLE_PARTITIONS = 256;
