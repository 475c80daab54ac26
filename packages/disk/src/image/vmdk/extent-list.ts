import type { DiskMap, MappedRun } from '../mapped-image.ts';

/** A piece of the disk: what is after `sizeBytes` of the map is not part of it. */
export interface Piece {
  readonly map: DiskMap;
  readonly sizeBytes: number;
}

/** Pieces one after another. */
export class ExtentList implements DiskMap {
  readonly sizeBytes: number;
  readonly #pieces: readonly (Piece & { readonly start: number })[];

  constructor(pieces: readonly Piece[]) {
    let end = 0;
    this.#pieces = pieces.map((piece) => {
      const start = end;
      end += piece.sizeBytes;
      return { ...piece, start };
    });
    this.sizeBytes = end;
  }

  unitAt(offset: number): MappedRun {
    const { map, start, sizeBytes } = this.#pieceAt(offset);
    const run = map.unitAt(offset - start);
    const left = start + sizeBytes - offset;
    return run.length <= left ? run : { ...run, length: left };
  }

  #pieceAt(offset: number) {
    let low = 0;
    let high = this.#pieces.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#pieces[middle]?.start ?? 0) <= offset) low = middle;
      else high = middle;
    }
    const piece = this.#pieces[low];
    if (piece === undefined) throw new RangeError('Cannot look up an offset: the disk has no extents');
    return piece;
  }
}
