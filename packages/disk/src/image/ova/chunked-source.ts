import type { ByteSource } from '../../source/byte-source.ts';
import { checkRange } from '../../source/range.ts';
import { readBuffer } from '../../source/read-buffer.ts';

/** A file in parts of one size, the last one perhaps smaller. */
export class ChunkedSource implements ByteSource {
  readonly sizeBytes: number;
  readonly #chunks: readonly ByteSource[];
  readonly #chunkSize: number;

  constructor(chunks: readonly ByteSource[], chunkSize: number) {
    this.#chunks = chunks;
    this.#chunkSize = chunkSize;
    this.sizeBytes = chunks.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  read(offset: number, length: number): Uint8Array {
    checkRange(this, offset, length);
    const bytes = readBuffer(length);
    for (let done = 0; done < length; ) {
      const index = Math.floor((offset + done) / this.#chunkSize);
      const within = offset + done - index * this.#chunkSize;
      const piece = Math.min(this.#chunkSize - within, length - done);
      const chunk = this.#chunks[index];
      if (chunk === undefined) return bytes;
      bytes.set(chunk.read(within, piece), done);
      done += piece;
    }
    return bytes;
  }
}
