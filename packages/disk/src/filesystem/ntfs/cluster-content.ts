import type { ByteSource } from '../../source/byte-source.ts';
import { type Extent, type ExtentKind, joinExtents, type MappedSource } from '../../source/extent.ts';
import { checkRange } from '../../source/range.ts';
import { readBuffer } from '../../source/read-buffer.ts';
import { readInto } from '../../source/read-into.ts';
import type { ClusterRun } from './run-list.ts';

/** A value that is kept in clusters of the volume. */
export interface ClusterLayout {
  readonly clusterBytes: number;
  /** In order, from the first cluster, without gaps; what lies behind the last is not stored. */
  readonly runs: readonly ClusterRun[];
  readonly sizeBytes: number;
  /** What lies behind was never written, and reads as zeros whatever is there. */
  readonly validBytes: number;
}

interface Piece {
  /** Where on the volume it is; `undefined` reads as zeros. */
  readonly place: number | undefined;
  readonly length: number;
  readonly kind: ExtentKind;
}

/** A value in clusters. Each run that is asked for is read from below at once. */
export class ClusterContent implements MappedSource {
  readonly sizeBytes: number;
  readonly #volume: ByteSource;
  readonly #layout: ClusterLayout;
  /** The run last used: reading rarely jumps. */
  #last = 0;

  constructor(volume: ByteSource, layout: ClusterLayout) {
    this.sizeBytes = layout.sizeBytes;
    this.#volume = volume;
    this.#layout = layout;
  }

  read(offset: number, length: number): Uint8Array {
    checkRange(this, offset, length, { format: 'ntfs' });
    const first = this.#piece(offset, length);
    if (first.length === length && first.place !== undefined) return this.#volume.read(first.place, length);
    const bytes = readBuffer(length);
    this.readInto(offset, bytes);
    return bytes;
  }

  readInto(offset: number, target: Uint8Array): void {
    checkRange(this, offset, target.length, { format: 'ntfs' });
    for (let done = 0; done < target.length; ) {
      const { place, length } = this.#piece(offset + done, target.length - done);
      const part = target.subarray(done, done + length);
      if (place === undefined) part.fill(0);
      else readInto(this.#volume, place, part);
      done += length;
    }
  }

  *extents(from = 0): Iterable<Extent> {
    yield* joinExtents(this.#pieces(from));
  }

  /** Where on the volume a byte of the value is, for errors. */
  placeOf(offset: number): number {
    return this.#piece(offset, 1).place ?? 0;
  }

  *#pieces(from: number): Generator<Extent> {
    for (let offset = from; offset < this.sizeBytes; ) {
      const { length, kind } = this.#piece(offset, this.sizeBytes - offset);
      yield { offset, length, kind };
      offset += length;
    }
  }

  /** The longest piece from an offset that lies in one row, up to `length`. */
  #piece(offset: number, length: number): Piece {
    const { clusterBytes, runs, validBytes } = this.#layout;
    const run = runs[this.#indexAt(offset)];
    const within = run === undefined ? 0 : offset - run.vcn * clusterBytes;
    const left = run === undefined ? length : run.count * clusterBytes - within;
    if (left <= 0 || run?.lcn === undefined)
      return { place: undefined, length: left <= 0 ? length : Math.min(left, length), kind: 'absent' };
    const valid = validBytes - offset;
    if (valid <= 0) return { place: undefined, length: Math.min(left, length), kind: 'zero' };
    return { place: run.lcn * clusterBytes + within, length: Math.min(left, valid, length), kind: 'data' };
  }

  /** The last run that begins at or before an offset. */
  #indexAt(offset: number): number {
    const { clusterBytes, runs } = this.#layout;
    const vcn = Math.floor(offset / clusterBytes);
    const begins = (index: number) => (runs[index]?.vcn ?? Number.POSITIVE_INFINITY) <= vcn;
    if (!begins(this.#last) || begins(this.#last + 1)) this.#last = search(runs.length, begins);
    return this.#last;
  }
}

/** The last index of which something holds that holds up to it, at least 0. */
function search(count: number, holds: (index: number) => boolean): number {
  let low = 0;
  let high = count;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return low;
}
