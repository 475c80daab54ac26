import type { Buffer } from 'node:buffer';
import { readSync, writeSync } from 'node:fs';
import { decodeHeader, encodeJson, type Frame, type FrameType, HEADER_BYTES, roomFor } from './frame.ts';

/** What an inspection reads. Memory that was touched before the attempt: the first touch takes longer than what is read into it. */
const TOUCHED_BYTES = 12 * 2 ** 20;
/** Smaller answers are not worth cutting it up. */
const SMALLEST_PIECE_BYTES = 4096;
/** Where the next piece may begin: see `roomFor`. */
const ALIGNMENT = 64;

/** The jailed side of the pipe: blocking, because nothing else is left to do while the supervisor answers. */
export class Channel {
  readonly #descriptor: number;
  #touched = roomFor(TOUCHED_BYTES).fill(0);

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  send(frame: Buffer): void {
    let sent = 0;
    while (sent < frame.length) sent += writeSync(this.#descriptor, frame, sent);
  }

  sendJson(type: FrameType, value: unknown): void {
    this.send(encodeJson(type, value));
  }

  receive(): Frame {
    const { type, bodyBytes } = decodeHeader(this.#take(HEADER_BYTES));
    return { type, body: this.#take(bodyBytes) };
  }

  #take(length: number): Buffer {
    const bytes = this.#room(length);
    let taken = 0;
    while (taken < length) {
      const count = readSync(this.#descriptor, bytes, taken, length - taken, null);
      // without a supervisor there is nobody to work for
      if (count === 0) process.exit(0);
      taken += count;
    }
    return bytes;
  }

  /** Of what is touched as long as there is some: answers are kept, so that nothing comes back. */
  #room(length: number): Buffer {
    if (length < SMALLEST_PIECE_BYTES || length > this.#touched.length) return roomFor(length);
    const bytes = this.#touched.subarray(0, length);
    this.#touched = this.#touched.subarray(Math.ceil(length / ALIGNMENT) * ALIGNMENT);
    return bytes;
  }
}
