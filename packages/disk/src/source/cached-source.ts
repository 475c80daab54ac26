import { Lru } from '../lru.ts';
import type { ByteSource } from './byte-source.ts';
import { checkRange } from './range.ts';

export interface CacheOptions {
  /** Unit of reading from below. */
  readonly blockBytes?: number;
  /** Memory the cache may hold. */
  readonly budgetBytes?: number;
}

/** What was asked of the source below. */
export interface CacheStats {
  readonly bytes: number;
  readonly requests: number;
}

/** Keeps the blocks of a source last used, so that parsers may read small pieces in any order. */
export class CachedSource implements ByteSource {
  readonly sizeBytes: number;
  readonly #below: ByteSource;
  readonly #blockBytes: number;
  readonly #bypassBytes: number;
  readonly #blocks: Lru<number, Uint8Array>;
  #bytes = 0;
  #requests = 0;

  constructor(below: ByteSource, { blockBytes = 64 * 1024, budgetBytes = 32 * 1024 * 1024 }: CacheOptions = {}) {
    this.#below = below;
    this.sizeBytes = below.sizeBytes;
    this.#blockBytes = blockBytes;
    this.#bypassBytes = Math.max(budgetBytes / 8, blockBytes);
    this.#blocks = new Lru(budgetBytes, (block) => block.length);
  }

  get stats(): CacheStats {
    return { bytes: this.#bytes, requests: this.#requests };
  }

  read(offset: number, length: number): Uint8Array {
    checkRange(this, offset, length);
    const first = Math.floor(offset / this.#blockBytes);
    const within = offset - first * this.#blockBytes;
    if (within + length <= this.#blockBytes) return this.#block(first).subarray(within, within + length);
    // one large read would push out everything that is worth keeping
    if (length > this.#bypassBytes) return this.#readBelow(offset, length);
    return this.#assemble(offset, length);
  }

  #assemble(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const index = Math.floor((offset + done) / this.#blockBytes);
      const within = offset + done - index * this.#blockBytes;
      const piece = this.#block(index).subarray(within, within + length - done);
      bytes.set(piece, done);
      done += piece.length;
    }
    return bytes;
  }

  #block(index: number): Uint8Array {
    const known = this.#blocks.get(index);
    if (known !== undefined) return known;
    const start = index * this.#blockBytes;
    const block = this.#readBelow(start, Math.min(this.#blockBytes, this.sizeBytes - start));
    this.#blocks.set(index, block);
    return block;
  }

  #readBelow(offset: number, length: number): Uint8Array {
    this.#bytes += length;
    this.#requests += 1;
    return this.#below.read(offset, length);
  }
}
