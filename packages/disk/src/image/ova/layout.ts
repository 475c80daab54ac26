// tar as POSIX 1003.1 (ustar, pax) and GNU write it: blocks of 512 bytes, a header before each member, numbers in octal text

export const BLOCK_SIZE = 512;
export const MAGIC = { at: 257, text: 'ustar' } as const;
/** The text fields of a header: offset and size. */
export const FIELD = {
  name: [0, 100],
  size: [124, 12],
  checksum: [148, 8],
  type: [156, 1],
  version: [263, 2],
  prefix: [345, 155],
} as const;
/** POSIX; GNU has a blank and a NUL here, and other things where the prefix would be. */
export const POSIX_VERSION = '00';

/** What a member is, by its type. */
export const TYPE = {
  files: ['0', '\0', '7', ''],
  pax: 'x',
  longName: 'L',
  sparse: 'S',
} as const;

/** Bounds of what an archive may ask for. */
export const LIMIT = {
  members: 4096,
  /** Of a header that holds the name of the next one. */
  extensionBytes: 64 * 1024,
  descriptorBytes: 4 * 2 ** 20,
  manifestBytes: 2 ** 20,
  elements: 100_000,
  elementDepth: 64,
} as const;
