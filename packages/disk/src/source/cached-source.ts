import { Lru } from '../lru.ts';
import type { ByteSource } from './byte-source.ts';
import { checkRange } from './range.ts';
import { readBuffer } from './read-buffer.ts';
import { readInto } from './read-into.ts';

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

// from here on a read costs more by its bytes than by being one; tables are read in less
const BYPASS_BYTES = 256 * 1024;

/**
 * Keeps the blocks of a source last used, so that parsers may read small pieces in any order. Large reads are of data, which is
 * seldom read twice: they go straight below, in one piece, and push out nothing that is worth keeping.
 */
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
    this.#bypassBytes = Math.max(Math.min(budgetBytes / 8, BYPASS_BYTES), blockBytes);
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
    if (length > this.#bypassBytes) return this.#readBelow(offset, length);
    const bytes = readBuffer(length);
    this.#assemble(offset, bytes);
    return bytes;
  }

  readInto(offset: number, target: Uint8Array): void {
    checkRange(this, offset, target.length);
    if (target.length <= this.#bypassBytes) {
      this.#assemble(offset, target);
    } else {
      this.#count(target.length);
      readInto(this.#below, offset, target);
    }
  }

  #assemble(offset: number, target: Uint8Array): void {
    for (let done = 0; done < target.length; ) {
      const index = Math.floor((offset + done) / this.#blockBytes);
      const within = offset + done - index * this.#blockBytes;
      const piece = this.#block(index).subarray(within, within + target.length - done);
      target.set(piece, done);
      done += piece.length;
    }
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
    this.#count(length);
    return this.#below.read(offset, length);
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#requests += 1;
  }
}
