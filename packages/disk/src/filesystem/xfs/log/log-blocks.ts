import type { ByteSource } from '../../../source/byte-source.ts';
import { BASIC_BLOCK } from '../layout.ts';
import { RECORD_MAGIC } from './layout.ts';

/** Blocks that are looked at one by one are read so many at a time. */
const SCAN_BLOCKS = 64;

/** The log as a ring of basic blocks, each of which begins with the number of the round in which it was written. */
export class LogBlocks {
  readonly count: number;
  readonly #source: ByteSource;

  constructor(source: ByteSource) {
    this.#source = source;
    this.count = Math.floor(source.sizeBytes / BASIC_BLOCK);
  }

  /** Blocks from `first` on, past the end of the ring from its start. */
  read(first: number, count: number): Uint8Array {
    const start = first % this.count;
    const beforeEnd = Math.min(count, this.count - start);
    const bytes = this.#source.read(start * BASIC_BLOCK, beforeEnd * BASIC_BLOCK);
    if (beforeEnd === count) return bytes;
    return Buffer.concat([bytes, this.#source.read(0, (count - beforeEnd) * BASIC_BLOCK)]);
  }

  /** The round in which a block was written. A header has a magic number first. */
  cycle(block: number): number {
    return cycleOf(viewOf(this.read(block, 1)), 0);
  }

  /** The first block of a row that was written in a round. */
  findCycle(first: number, end: number, wanted: number): number | undefined {
    for (let start = first; start < end; start += SCAN_BLOCKS) {
      const count = Math.min(SCAN_BLOCKS, end - start);
      const view = viewOf(this.read(start, count));
      for (let index = 0; index < count; index++) {
        if (cycleOf(view, index * BASIC_BLOCK) === wanted) return start + index;
      }
    }
    return undefined;
  }

  /** The last block before `end` that begins a record, not before `first`. */
  findHeaderBefore(end: number, first = 0): number | undefined {
    for (let stop = end; stop > first; stop -= SCAN_BLOCKS) {
      const start = Math.max(first, stop - SCAN_BLOCKS);
      const view = viewOf(this.read(start, stop - start));
      for (let block = stop - 1; block >= start; block--) {
        if (view.getUint32((block - start) * BASIC_BLOCK) === RECORD_MAGIC) return block;
      }
    }
    return undefined;
  }

  /** The first block that begins a record, of `count` behind a block of the ring. */
  findHeaderAfter(block: number, count: number): number | undefined {
    for (let step = 1; step < count; step++) {
      const next = (block + step) % this.count;
      if (viewOf(this.read(next, 1)).getUint32(0) === RECORD_MAGIC) return next;
    }
    return undefined;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function cycleOf(view: DataView, at: number): number {
  const word = view.getUint32(at);
  return word === RECORD_MAGIC ? view.getUint32(at + 4) : word;
}
