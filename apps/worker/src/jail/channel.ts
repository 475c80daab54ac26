import type { Buffer } from 'node:buffer';
import { readSync, writeSync } from 'node:fs';
import { decodeHeader, encodeJson, type Frame, type FrameType, HEADER_BYTES, roomFor } from './frame.ts';

/** The jailed side of the pipe: blocking, because nothing else is left to do while the supervisor answers. */
export class Channel {
  readonly #descriptor: number;

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
    const bytes = roomFor(length);
    let taken = 0;
    while (taken < length) {
      const count = readSync(this.#descriptor, bytes, taken, length - taken, null);
      // without a supervisor there is nobody to work for
      if (count === 0) process.exit(0);
      taken += count;
    }
    return bytes;
  }
}
