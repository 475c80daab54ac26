// The NBD protocol: fixed newstyle handshake, then transmission with simple or structured replies. All numbers are big-endian.

export const GREETING_MAGIC = 0x4e42444d41474943n; // "NBDMAGIC"
export const OPTION_MAGIC = 0x49484156454f5054n; // "IHAVEOPT"
export const OPTION_REPLY_MAGIC = 0x0003e889045565a9n;
export const REQUEST_MAGIC = 0x25609513;
export const SIMPLE_REPLY_MAGIC = 0x67446698;
export const STRUCTURED_REPLY_MAGIC = 0x668e33ef;

/** Sent by the server, and by the client as 32 bits to agree. */
export const HANDSHAKE_FLAG = { fixedNewstyle: 1, noZeroes: 2 } as const;

export const OPTION_HEADER = { magic: [0, 'bits64be'], option: [8, 'u32be'], length: [12, 'u32be'] } as const;
export const OPTION_HEADER_SIZE = 16;

/** What a client may ask for in the handshake; the others there are (PEEK_EXPORT, STARTTLS, EXTENDED_HEADERS) are refused. */
export const OPTION = {
  exportName: 1,
  abort: 2,
  list: 3,
  startTls: 5,
  info: 6,
  go: 7,
  structuredReply: 8,
  listMetaContext: 9,
  setMetaContext: 10,
} as const;

export const OPTION_REPLY = { ack: 1, server: 2, info: 3, metaContext: 4 } as const;

/** Of replies that refuse an option. */
export const OPTION_ERROR = {
  unsupported: 0x80000001,
  policy: 0x80000002,
  invalid: 0x80000003,
  unknown: 0x80000006,
  tooBig: 0x80000009,
} as const;

/** Kinds of fact about an export. */
export const INFO = { export: 0, name: 1, description: 2, blockSize: 3 } as const;

/** Zeros after the answer to EXPORT_NAME, unless both sides agreed to do without. */
export const EXPORT_NAME_PADDING = 124;

export const TRANSMISSION_FLAG = {
  hasFlags: 1 << 0,
  readOnly: 1 << 1,
  sendFlush: 1 << 2,
  sendDf: 1 << 7,
  canMultiConn: 1 << 8,
  sendCache: 1 << 10,
} as const;

/** Which ranges are stored: the one metadata context that there is, with the number that we give it. */
export const ALLOCATION_CONTEXT = { name: 'base:allocation', id: 1 } as const;
export const ALLOCATION_FLAG = { hole: 1, zero: 2 } as const;

export const REQUEST_HEADER = {
  magic: [0, 'u32be'],
  flags: [4, 'u16be'],
  type: [6, 'u16be'],
  cookie: [8, 'bits64be'],
  offset: [16, 'bits64be'],
  length: [24, 'u32be'],
} as const;
export const REQUEST_HEADER_SIZE = 28;

export const COMMAND = {
  read: 0,
  write: 1,
  disconnect: 2,
  flush: 3,
  trim: 4,
  cache: 5,
  writeZeroes: 6,
  blockStatus: 7,
} as const;

export const COMMAND_FLAG = { dontFragment: 1 << 2, requestOne: 1 << 3 } as const;

export const CHUNK_FLAG_DONE = 1;
export const CHUNK = {
  none: 0,
  offsetData: 1,
  offsetHole: 2,
  blockStatus: 5,
  error: 0x8001,
  errorOffset: 0x8002,
} as const;

/** Numbers of errors as the protocol fixes them, whatever the host calls them. */
export const ERRNO = { EPERM: 1, EIO: 5, EINVAL: 22 } as const;

/** Bounds of what a client may ask for, and of what it is answered. */
export const LIMIT = {
  /** The most that a client may ask for without agreeing on another size. */
  requestBytes: 32 * 2 ** 20,
  preferredBytes: 64 * 2 ** 10,
  /** Names have at most 4096 bytes, and nobody has many queries. */
  optionBytes: 64 * 2 ** 10,
  /** Of one handshake: more is no client but a way to keep us busy. */
  options: 1000,
  metaQueries: 1000,
  /** Extents in one answer: 128 KiB of them. */
  statusExtents: 2 ** 14,
  /** How long a client may be silent in the handshake, and in taking its leave. */
  unresponsiveMs: 30_000,
} as const;
