import { Buffer } from 'node:buffer';
import { unsafeReadBuffer } from '@guestkit/disk/read-buffer';

// What crosses the pipe between a jailed process and its supervisor: length of the body (u32, little-endian), a type
// byte, the body. JSON for control, raw bytes for data. The jailed side may have been taken over by the image it reads, so every
// length has a bound, and the supervisor's side believes nothing else either.

export const HEADER_BYTES = 5;
/** The most one READ may ask for. */
export const MAX_READ_BYTES = 4 * 2 ** 20;
/** The operator may allow less. */
export const MAX_RESULT_BYTES = 128 * 2 ** 20;

const MAX_DEPTH = 128;
const KIB = 2 ** 10;
/** Node takes smaller buffers from a pool. */
const SHARED_BYTES = 4 * KIB;

const [QUOTE, BACKSLASH] = Buffer.from('"\\');
const [OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = Buffer.from('[]{}');

const FRAMES = {
  // from the jail
  ready: { code: 1, maxBytes: 0 },
  read: { code: 2, maxBytes: 16 },
  open: { code: 3, maxBytes: 8 * KIB },
  progress: { code: 4, maxBytes: 16 * KIB },
  result: { code: 5, maxBytes: MAX_RESULT_BYTES },
  error: { code: 6, maxBytes: 64 * KIB },
  // from the supervisor
  start: { code: 16, maxBytes: 8 * KIB * KIB },
  bytes: { code: 17, maxBytes: MAX_READ_BYTES },
  opened: { code: 18, maxBytes: KIB },
  fault: { code: 19, maxBytes: 64 * KIB },
} as const;

export type FrameType = keyof typeof FRAMES;

export interface Frame {
  readonly type: FrameType;
  readonly body: Buffer;
}

const TYPE_OF_CODE = new Map<number, FrameType>(
  Object.entries(FRAMES).map(([type, { code }]) => [code, type as FrameType]),
);

/** The other side of the pipe does not keep to the protocol. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

export function encodeFrame(type: FrameType, body: Uint8Array): Buffer {
  const frame = allocateFrame(type, body.length);
  frame.set(body, HEADER_BYTES);
  return frame;
}

export function encodeJson(type: FrameType, value: unknown): Buffer {
  return encodeFrame(type, Buffer.from(JSON.stringify(value) ?? 'null'));
}

/** A frame whose body is still to be filled in, in `room` where there is enough of it. */
export function allocateFrame(type: FrameType, bodyBytes: number, room?: Buffer): Buffer {
  const { code, maxBytes } = FRAMES[type];
  if (bodyBytes > maxBytes) {
    throw new FrameError(`Cannot send a ${type} frame of ${bodyBytes} bytes: at most ${maxBytes} fit`);
  }
  const frameBytes = HEADER_BYTES + bodyBytes;
  const frame = room !== undefined && room.length >= frameBytes ? room.subarray(0, frameBytes) : roomFor(frameBytes);
  frame.writeUInt32LE(bodyBytes, 0);
  frame.writeUInt8(code, 4);
  return frame;
}

/** To be filled: large ones begin where the kernel copies to fast, small ones share memory with others. */
export function roomFor(bytes: number): Buffer {
  if (bytes < SHARED_BYTES) return Buffer.allocUnsafe(bytes);
  const { buffer, byteOffset, length } = unsafeReadBuffer(bytes);
  return Buffer.from(buffer, byteOffset, length);
}

/** @throws FrameError when the type is unknown or the body too long for it */
export function decodeHeader(header: Buffer): { readonly type: FrameType; readonly bodyBytes: number } {
  const type = TYPE_OF_CODE.get(header.readUInt8(4));
  if (type === undefined) throw new FrameError(`Cannot read a frame: its type is ${header.readUInt8(4)}`);
  const bodyBytes = header.readUInt32LE(0);
  if (bodyBytes > FRAMES[type].maxBytes) {
    throw new FrameError(`Cannot read a ${type} frame: it claims ${bodyBytes} bytes`);
  }
  return { type, bodyBytes };
}

/** @throws FrameError when the body is not JSON, or nested so deep that those who pass it on would run out of stack */
export function decodeJson({ type, body }: Frame): unknown {
  if (depthOf(body) > MAX_DEPTH) throw new FrameError(`Cannot read a ${type} frame: it is nested too deep`);
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new FrameError(`Cannot read a ${type} frame: it is not JSON`, { cause });
  }
}

/** How deep arrays and objects are nested. For valid JSON it is right, for anything else it is of no matter. */
function depthOf(json: Buffer): number {
  let depth = 0;
  let deepest = 0;
  let isText = false;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (byte === QUOTE) isText = !isText;
    else if (isText) at += Number(byte === BACKSLASH);
    else if (byte === OPEN_BRACKET || byte === OPEN_BRACE) deepest = Math.max(deepest, ++depth);
    else if (byte === CLOSE_BRACKET || byte === CLOSE_BRACE) depth -= 1;
  }
  return deepest;
}

/** A request for bytes of an image or of one of its references. */
export interface ReadRequest {
  readonly source: number;
  readonly offset: number;
  readonly length: number;
}

export function encodeRead({ source, offset, length }: ReadRequest): Buffer {
  const frame = allocateFrame('read', 16);
  frame.writeUInt32LE(source, HEADER_BYTES);
  frame.writeDoubleLE(offset, HEADER_BYTES + 4);
  frame.writeUInt32LE(length, HEADER_BYTES + 12);
  return frame;
}

/** @throws FrameError when it could not be a request for bytes of any file */
export function decodeRead(body: Buffer): ReadRequest {
  if (body.length !== 16) throw new FrameError(`Cannot read a read frame: it has ${body.length} bytes, expected 16`);
  const request = { source: body.readUInt32LE(0), offset: body.readDoubleLE(4), length: body.readUInt32LE(12) };
  if (!Number.isSafeInteger(request.offset) || request.offset < 0 || request.length > MAX_READ_BYTES) {
    throw new FrameError(`Cannot read ${request.length} bytes at ${request.offset}: no file has such a range`);
  }
  return request;
}

/** Cuts a stream of chunks into frames. Never holds more than the one frame that is still incomplete. */
export class FrameDecoder {
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerFilled = 0;
  #type: FrameType = 'ready';
  #body: Buffer | undefined;
  #bodyFilled = 0;

  /** @throws FrameError, after which the decoder must not be used again */
  *decode(chunk: Buffer): Generator<Frame> {
    let rest = chunk;
    while (rest.length > 0) {
      rest = this.#body === undefined ? this.#takeHeader(rest) : this.#takeBody(rest, this.#body);
      if (this.#body !== undefined && this.#bodyFilled === this.#body.length) yield this.#finish(this.#body);
    }
  }

  #takeHeader(chunk: Buffer): Buffer {
    const taken = chunk.copy(this.#header, this.#headerFilled);
    this.#headerFilled += taken;
    if (this.#headerFilled === HEADER_BYTES) {
      const { type, bodyBytes } = decodeHeader(this.#header);
      this.#type = type;
      this.#body = roomFor(bodyBytes);
    }
    return chunk.subarray(taken);
  }

  #takeBody(chunk: Buffer, body: Buffer): Buffer {
    const taken = chunk.copy(body, this.#bodyFilled);
    this.#bodyFilled += taken;
    return chunk.subarray(taken);
  }

  #finish(body: Buffer): Frame {
    this.#headerFilled = 0;
    this.#body = undefined;
    this.#bodyFilled = 0;
    return { type: this.#type, body };
  }
}
