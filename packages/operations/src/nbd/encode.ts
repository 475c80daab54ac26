import {
  CHUNK_FLAG_DONE,
  EXPORT_NAME_PADDING,
  GREETING_MAGIC,
  HANDSHAKE_FLAG,
  INFO,
  LIMIT,
  OPTION_MAGIC,
  OPTION_REPLY_MAGIC,
  SIMPLE_REPLY_MAGIC,
  STRUCTURED_REPLY_MAGIC,
} from './layout.ts';

// What the server says, as bytes.

export function u16(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function u64(value: number | bigint): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

export function join(...parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat(parts);
}

export function greeting(): Buffer {
  return join(u64(GREETING_MAGIC), u64(OPTION_MAGIC), u16(HANDSHAKE_FLAG.fixedNewstyle | HANDSHAKE_FLAG.noZeroes));
}

export function optionReply(option: number, type: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  return join(u64(OPTION_REPLY_MAGIC), u32(option), u32(type), u32(payload.length), payload);
}

/** The answer to EXPORT_NAME, which has no header. */
export function exportNameReply(sizeBytes: number, flags: number, padded: boolean): Buffer {
  return join(u64(sizeBytes), u16(flags), Buffer.alloc(padded ? EXPORT_NAME_PADDING : 0));
}

export function exportInfo(sizeBytes: number, flags: number): Buffer {
  return join(u16(INFO.export), u64(sizeBytes), u16(flags));
}

/** Any byte may be asked for; how many at once is bounded. */
export function blockSizeInfo(): Buffer {
  return join(u16(INFO.blockSize), u32(1), u32(LIMIT.preferredBytes), u32(LIMIT.requestBytes));
}

export function textInfo(kind: number, text: string): Buffer {
  return join(u16(kind), Buffer.from(text));
}

export function countedText(text: string): Buffer {
  const bytes = Buffer.from(text);
  return join(u32(bytes.length), bytes);
}

export function simpleReply(cookie: bigint, errno = 0): Buffer {
  return join(u32(SIMPLE_REPLY_MAGIC), u32(errno), u64(cookie));
}

export interface ChunkHead {
  readonly cookie: bigint;
  readonly type: number;
  readonly done: boolean;
  /** Of what follows. */
  readonly length: number;
}

export function chunkHead({ cookie, type, done, length }: ChunkHead): Buffer {
  return join(u32(STRUCTURED_REPLY_MAGIC), u16(done ? CHUNK_FLAG_DONE : 0), u16(type), u64(cookie), u32(length));
}
