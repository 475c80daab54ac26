import { Lru } from '../lru.ts';
import type { ByteSource } from '../source/byte-source.ts';

const SLICE_BYTES = 64 * 1024;
const CACHE_BYTES = 4 * 2 ** 20;

/** Reads entries of a table in a file, a slice at a time, and keeps a bounded number of slices. */
export class TableReader {
  readonly #source: ByteSource;
  readonly #offset: number;
  readonly #sizeBytes: number;
  readonly #slices: Lru<number, DataView>;

  /** The table must lie within the source. */
  constructor(source: ByteSource, offset: number, sizeBytes: number, cacheBytes = CACHE_BYTES) {
    this.#source = source;
    this.#offset = offset;
    this.#sizeBytes = sizeBytes;
    this.#slices = new Lru(cacheBytes, (slice) => slice.byteLength);
  }

  u32(index: number): number {
    const { slice, at } = this.#place(index * 4);
    return slice.getUint32(at, true);
  }

  u32be(index: number): number {
    const { slice, at } = this.#place(index * 4);
    return slice.getUint32(at);
  }

  /** Low and high word of a little-endian entry of 64 bits. */
  words64(index: number): { readonly low: number; readonly high: number } {
    const { slice, at } = this.#place(index * 8);
    return { low: slice.getUint32(at, true), high: slice.getUint32(at + 4, true) };
  }

  /** How many entries of `width` bytes are as the one at `index`, before `end`; looks no further than what was read at once. */
  repeats(index: number, end: number, width: 4 | 8 = 4): number {
    const { slice, at } = this.#place(index * width);
    const stop = Math.min(slice.byteLength, at + (end - index) * width);
    let next = at + width;
    while (next + 4 <= stop && slice.getUint32(next) === slice.getUint32(next - width)) next += 4;
    return Math.floor((next - at) / width);
  }

  #place(offset: number): { readonly slice: DataView; readonly at: number } {
    const at = offset % SLICE_BYTES;
    return { slice: this.#slice(offset - at), at };
  }

  #slice(start: number): DataView {
    const known = this.#slices.get(start);
    if (known !== undefined) return known;
    const bytes = this.#source.read(this.#offset + start, Math.min(SLICE_BYTES, this.#sizeBytes - start));
    const slice = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#slices.set(start, slice);
    return slice;
  }
}
