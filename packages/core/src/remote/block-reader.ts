import { BlockCache } from './block-cache.ts';
import type { Meter } from './meter.ts';
import type { OpenedObject, RemoteObject } from './remote-object.ts';

/** Unit of fetching and keeping: see docs/benchmarks.md for what others cost. */
export const BLOCK_BYTES = 256 * 1024;
/** The most one request asks for. */
const MAX_RUN_BLOCKS = 32;
/** Places that reads may go on from: a table of files and the data of one file are read in turn. */
const MAX_STREAMS = 8;

export interface BlockReaderOptions {
  readonly meter: Meter;
  /** Memory for blocks. */
  readonly cacheBytes: number;
}

/**
 * Reads an object by blocks, one read at a time: keeps those used last, fetches neighbours that are missing with one request, and reads
 * ahead. A miss where an earlier fetch ended goes on with it and takes twice as much; any other takes what is needed, so that
 * scattered reads stay small.
 */
export class BlockReader {
  readonly sizeBytes: number;
  readonly #object: RemoteObject;
  readonly #meter: Meter;
  readonly #cache: BlockCache;
  /** The block after each fetch, and how many that fetch took; the latest last. */
  readonly #streams = new Map<number, number>();
  readonly #whole: Uint8Array | undefined;

  constructor({ object, head }: OpenedObject, { meter, cacheBytes }: BlockReaderOptions) {
    this.#object = object;
    this.sizeBytes = object.sizeBytes;
    this.#meter = meter;
    this.#cache = new BlockCache(BLOCK_BYTES, cacheBytes);
    this.#whole = head.length === object.sizeBytes ? head : undefined;
    this.#keep(0, head);
  }

  /** The caller keeps within the object. @throws RemoteError */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const within = this.#whole?.subarray(offset, offset + length) ?? this.#readCached(offset, length);
    if (within === undefined) return this.#readMissing(offset, length);
    this.#meter.countCacheHit();
    return within;
  }

  #readCached(offset: number, length: number): Uint8Array | undefined {
    const first = Math.floor(offset / BLOCK_BYTES);
    const end = Math.ceil((offset + length) / BLOCK_BYTES);
    for (let block = first; block < end; block++) if (!this.#cache.has(block)) return undefined;
    const bytes = new Uint8Array(length);
    for (let block = first; block < end; block++) this.#copy(block, this.#cache.get(block), { bytes, offset });
    return bytes;
  }

  async #readMissing(offset: number, length: number): Promise<Uint8Array> {
    const target = { bytes: new Uint8Array(length), offset };
    const end = Math.ceil((offset + length) / BLOCK_BYTES);
    for (let block = Math.floor(offset / BLOCK_BYTES); block < end; ) {
      const known = this.#cache.get(block);
      const run = known ?? (await this.#fetch(block, end));
      this.#copy(block, run, target);
      block += Math.ceil(run.length / BLOCK_BYTES);
    }
    return target.bytes;
  }

  /** Fetches a missing block and those after it, as far as they are missing too and wanted or likely to be. */
  async #fetch(first: number, end: number): Promise<Uint8Array> {
    const grown = 2 * (this.#streams.get(first) ?? 0);
    this.#streams.delete(first);
    const needed = this.#missing(first, Math.min(end - first, MAX_RUN_BLOCKS));
    const count = this.#missing(first, Math.min(Math.max(needed, grown), MAX_RUN_BLOCKS));
    const bytes = await this.#object.read(first * BLOCK_BYTES, this.#affordable(first, needed, count));
    this.#keep(first, bytes);
    this.#noteStream(first + count, count);
    return bytes;
  }

  #affordable(first: number, needed: number, count: number): number {
    const left = this.sizeBytes - first * BLOCK_BYTES;
    const neededBytes = Math.min(left, needed * BLOCK_BYTES);
    const granted = this.#meter.grant(Math.min(left, count * BLOCK_BYTES), neededBytes);
    // a block is fetched whole or not at all
    return granted === left ? left : Math.max(neededBytes, granted - (granted % BLOCK_BYTES));
  }

  /** How many blocks from the first are missing, up to a bound and the end. */
  #missing(first: number, bound: number): number {
    const end = Math.min(first + bound, Math.ceil(this.sizeBytes / BLOCK_BYTES));
    let block = first + 1;
    while (block < end && !this.#cache.has(block)) block += 1;
    return block - first;
  }

  #keep(first: number, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
      const block = bytes.subarray(at, at + BLOCK_BYTES);
      const isWhole = block.length === BLOCK_BYTES || first * BLOCK_BYTES + at + block.length === this.sizeBytes;
      // a copy, as a part would hold on to all that came with it
      if (isWhole) this.#cache.set(first + at / BLOCK_BYTES, block.slice());
    }
  }

  #noteStream(next: number, count: number): void {
    this.#streams.set(next, count);
    const [oldest] = this.#streams.keys();
    if (this.#streams.size > MAX_STREAMS && oldest !== undefined) this.#streams.delete(oldest);
  }

  /** Copies what a run of blocks has of the wanted bytes. */
  #copy(
    block: number,
    run: Uint8Array | undefined,
    { bytes, offset }: { readonly bytes: Uint8Array; readonly offset: number },
  ): void {
    const start = block * BLOCK_BYTES;
    const from = Math.max(0, offset - start);
    const piece = run?.subarray(from, offset + bytes.length - start) ?? new Uint8Array();
    bytes.set(piece, start + from - offset);
  }
}
