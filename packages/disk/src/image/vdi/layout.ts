// VirtualBox disk image, version 1.1: little-endian, at the start of the file

export const VDI_SIGNATURE = 0xbeda107f;
export const VDI_SIGNATURE_OFFSET = 0x40;
export const VDI_VERSION = 0x00010001;
export const VDI_HEADER_SIZE = 0x1c8;

export const VDI_HEADER = {
  signature: [VDI_SIGNATURE_OFFSET, 'u32'],
  version: [0x44, 'u32'],
  header_size: [0x48, 'u32'],
  image_type: [0x4c, 'u32'],
  offset_bmap: [0x154, 'u32'],
  offset_data: [0x158, 'u32'],
  sector_size: [0x168, 'u32'],
  disk_size: [0x170, 'u64'],
  block_size: [0x178, 'u32'],
  /** Bytes before the content of each block. */
  block_extra: [0x17c, 'u32'],
  blocks_in_image: [0x180, 'u32'],
  blocks_allocated: [0x184, 'u32'],
} as const;

/** Where the header keeps its UUIDs. */
export const VDI_UUID = { image: 0x188, lastChange: 0x198, parent: 0x1a8, parentLastChange: 0x1b8 } as const;

/** By image_type. The last two keep what differs from a parent. */
export const VDI_TYPES: Readonly<Record<number, VdiType>> = { 1: 'dynamic', 2: 'static', 3: 'undo', 4: 'differencing' };
export type VdiType = 'dynamic' | 'static' | 'undo' | 'differencing';

/** header_size counts from itself. */
export const VDI_HEADER_SIZE_OFFSET = 0x48;
export const VDI_LEAST_HEADER_SIZE = 0x180;

// entries of the block map that name no block
export const BLOCK_FREE = 0xffffffff;
export const BLOCK_ZERO = 0xfffffffe;

export const SECTOR_SIZE = 512;

/** Bounds of what an image may ask for (security rule R6). */
export const LIMIT = {
  virtualSize: 64 * 2 ** 40,
  blockSize: { least: 512, most: 2 ** 30 },
} as const;
