import { chunkHead, join, simpleReply, u16, u32, u64 } from './encode.ts';
import type { Agreement } from './handshake.ts';
import { CHUNK, ERRNO } from './layout.ts';
import type { Wire } from './wire.ts';

/** A command of a client. Where `offset` cannot be a number, it is past the end of everything. */
export interface Request {
  readonly flags: number;
  readonly type: number;
  readonly cookie: bigint;
  readonly offset: number;
  readonly length: number;
}

/** Answers one request, in the way that was agreed on. */
export class Reply {
  readonly structured: boolean;
  readonly #wire: Wire;
  readonly #cookie: bigint;

  constructor(wire: Wire, { cookie }: Request, { structured }: Agreement) {
    this.#wire = wire;
    this.#cookie = cookie;
    this.structured = structured;
  }

  done(): Promise<void> {
    return this.structured ? this.chunk(CHUNK.none, true) : this.simple();
  }

  /** @param reason for people; a client of simple replies gets the number alone */
  fail(errno: keyof typeof ERRNO, reason: string): Promise<void> {
    if (!this.structured) return this.#wire.write(simpleReply(this.#cookie, ERRNO[errno]));
    return this.chunk(CHUNK.error, true, errorPayload(errno, reason));
  }

  /** A read that went wrong at an offset, maybe after a part of it was sent. */
  failAt(offset: number, errno: keyof typeof ERRNO, reason: string): Promise<void> {
    return this.chunk(CHUNK.errorOffset, true, errorPayload(errno, reason), u64(offset));
  }

  simple(...parts: readonly Uint8Array[]): Promise<void> {
    return this.#wire.write(simpleReply(this.#cookie), ...parts);
  }

  chunk(type: number, done: boolean, ...parts: readonly Uint8Array[]): Promise<void> {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    return this.#wire.write(chunkHead({ cookie: this.#cookie, type, done, length }), ...parts);
  }
}

function errorPayload(errno: keyof typeof ERRNO, reason: string): Buffer {
  const text = Buffer.from(reason);
  return join(u32(ERRNO[errno]), u16(text.length), text);
}
