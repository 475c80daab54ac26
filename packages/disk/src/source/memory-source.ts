import type { ByteSource } from './byte-source.ts';
import { checkRange } from './range.ts';

/** Bytes that are in memory already: an inline file, a decompressed member, a test. */
export class MemorySource implements ByteSource {
  readonly sizeBytes: number;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    // a Buffer has methods of the same names that do other things: its slice shares, ours copies
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    this.sizeBytes = bytes.length;
  }

  read(offset: number, length: number): Uint8Array {
    checkRange(this, offset, length);
    return this.#bytes.subarray(offset, offset + length);
  }
}
