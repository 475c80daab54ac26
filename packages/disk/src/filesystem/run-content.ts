import type { ByteSource } from '../source/byte-source.ts';
import { checkRange } from '../source/range.ts';

/** Bytes of a volume that lie in one row. */
export interface ByteRun {
  readonly offset: number;
  readonly length: number;
}

interface PlacedRun extends ByteRun {
  /** Where the run begins in the content. */
  readonly from: number;
}

/** Content that is kept in runs of a volume, one behind the other. Each run that is asked for is read from below at once. */
export class RunContent implements ByteSource {
  readonly sizeBytes: number;
  readonly #volume: ByteSource;
  readonly #runs: readonly PlacedRun[];

  /** The runs hold at least `sizeBytes`. */
  constructor(volume: ByteSource, runs: readonly ByteRun[], sizeBytes: number) {
    this.sizeBytes = sizeBytes;
    this.#volume = volume;
    this.#runs = place(runs);
  }

  read(offset: number, length: number): Uint8Array {
    checkRange(this, offset, length);
    if (length === 0) return new Uint8Array();
    const { index, run } = this.#runAt(offset);
    const within = offset - run.from;
    if (within + length <= run.length) return this.#volume.read(run.offset + within, length);
    return this.#assemble(index, within, length);
  }

  #assemble(firstIndex: number, firstWithin: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    let within = firstWithin;
    for (let index = firstIndex, done = 0; done < length; index++, within = 0) {
      const run = this.#runs[index] as PlacedRun;
      const piece = Math.min(run.length - within, length - done);
      bytes.set(this.#volume.read(run.offset + within, piece), done);
      done += piece;
    }
    return bytes;
  }

  /** The last run that begins at or before an offset. */
  #runAt(offset: number): { readonly index: number; readonly run: PlacedRun } {
    let low = 0;
    let high = this.#runs.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#runs[middle] as PlacedRun).from <= offset) low = middle;
      else high = middle;
    }
    return { index: low, run: this.#runs[low] as PlacedRun };
  }
}

function place(runs: readonly ByteRun[]): PlacedRun[] {
  let from = 0;
  return runs.map(({ offset, length }) => {
    const placed = { offset, length, from };
    from += length;
    return placed;
  });
}
