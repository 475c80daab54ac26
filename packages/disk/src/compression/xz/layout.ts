// the .xz file format, version 1.2.1: streams of blocks, each followed by an index of its blocks and a footer

export const STREAM_MAGIC = Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00);
export const FOOTER_MAGIC = 0x5a59;
export const STREAM_HEADER_SIZE = 12;
export const STREAM_HEADER = {
  flags: [6, 'u16'],
  crc32: [8, 'u32'],
} as const;
export const STREAM_FOOTER = {
  crc32: [0, 'u32'],
  /** Size of the index in words of four bytes, less one. */
  backward_size: [4, 'u32'],
  flags: [8, 'u16'],
  magic: [10, 'u16'],
} as const;

/** The first of the two bytes of flags is zero; of the second, only the kind of check is in use. */
export const STREAM_FLAGS_RESERVED = 0xf0ff;
export const STREAM_FLAGS_CHECK_SHIFT = 8;

/** In the place of a block's header size: the index begins. */
export const INDEX_INDICATOR = 0;

export const BLOCK_FLAGS_FILTERS = 0x03;
export const BLOCK_FLAGS_RESERVED = 0x3c;
export const BLOCK_HAS_COMPRESSED_SIZE = 0x40;
export const BLOCK_HAS_UNCOMPRESSED_SIZE = 0x80;

export const FILTER_LZMA2 = 0x21;
/** Filters that stand before LZMA2 in a block. */
export const FILTER_NAMES: ReadonlyMap<number, string> = new Map([
  [0x03, 'delta'],
  [0x04, 'x86'],
  [0x05, 'powerpc'],
  [0x06, 'ia64'],
  [0x07, 'arm'],
  [0x08, 'armthumb'],
  [0x09, 'sparc'],
  [0x0a, 'arm64'],
  [0x0b, 'riscv'],
]);

/** Windows that are larger are refused: `xz -9` takes 64 MiB, and a window is memory. */
export const LARGEST_WINDOW = 128 * 2 ** 20;

/** What one LZMA2 chunk may hold. */
export const LARGEST_CHUNK = 2 ** 21;
