import { type Extent, joinExtents, type MappedSource } from '../../source/extent.ts';
import { checkRange } from '../../source/range.ts';
import { readBuffer } from '../../source/read-buffer.ts';
import type { BlockMap, BlockRun } from './block-map.ts';
import type { Ext4Volume } from './volume.ts';

/** Blocks of a file are numbered in 32 bits, whichever way they are mapped. */
export const MAX_FILE_BLOCKS = 2 ** 32;

/** The content of a file that is stored in blocks. Neighbouring blocks are read from below at once. */
export class FileContent implements MappedSource {
  readonly sizeBytes: number;
  readonly #volume: Ext4Volume;
  readonly #map: BlockMap;

  constructor(volume: Ext4Volume, map: BlockMap, sizeBytes: number) {
    this.sizeBytes = sizeBytes;
    this.#volume = volume;
    this.#map = map;
  }

  read(offset: number, length: number): Uint8Array {
    checkRange(this, offset, length, { format: 'ext4' });
    if (length === 0) return new Uint8Array();
    const first = this.#piece(offset, length);
    if (first.length === length && first.block !== undefined) {
      return this.#volume.content(first.block, first.within, length);
    }
    const bytes = readBuffer(length);
    this.readInto(offset, bytes);
    return bytes;
  }

  readInto(offset: number, target: Uint8Array): void {
    checkRange(this, offset, target.length, { format: 'ext4' });
    for (let done = 0; done < target.length; ) {
      const { block, within, length } = this.#piece(offset + done, target.length - done);
      const part = target.subarray(done, done + length);
      if (block === undefined) part.fill(0);
      else this.#volume.contentInto(block, within, part);
      done += length;
    }
  }

  /** What was allocated and never written is zero, a hole is absent. */
  extents(from = 0): Iterable<Extent> {
    return joinExtents(this.#runs(from));
  }

  *#runs(from: number): Generator<Extent> {
    const { blockSize } = this.#volume.superblock;
    for (let offset = from; offset < this.sizeBytes; ) {
      const block = Math.floor(offset / blockSize);
      const { physical, count, isUnwritten } = this.#map.runAt(block);
      const end = Math.min((block + count) * blockSize, this.sizeBytes);
      const kind = physical !== undefined ? 'data' : isUnwritten ? 'zero' : 'absent';
      yield { offset, length: end - offset, kind };
      offset = end;
    }
  }

  /** The longest piece from an offset that lies in one row, up to `length`. */
  #piece(offset: number, length: number): Piece {
    const { blockSize } = this.#volume.superblock;
    const within = offset % blockSize;
    const wanted = Math.ceil((within + length) / blockSize);
    const run = this.#joinedRun((offset - within) / blockSize, wanted);
    return { block: run.physical, within, length: Math.min(run.count * blockSize - within, length) };
  }

  /** A run, and those after it that continue it, until there are `wanted` blocks. */
  #joinedRun(block: number, wanted: number): BlockRun {
    const { physical, count: initial } = this.#map.runAt(block);
    let count = initial;
    while (count < wanted) {
      const next = this.#map.runAt(block + count);
      if (next.physical !== (physical === undefined ? undefined : physical + count)) break;
      count += next.count;
    }
    return { physical, count };
  }
}

interface Piece {
  /** `undefined` reads as zeros. */
  readonly block: number | undefined;
  readonly within: number;
  readonly length: number;
}
