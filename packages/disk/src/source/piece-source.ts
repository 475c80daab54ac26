import type { ByteSource } from './byte-source.ts';
import { type Extent, extentsOf, joinExtents, type MappedSource } from './extent.ts';
import { checkRange } from './range.ts';
import { readBuffer } from './read-buffer.ts';
import { readInto } from './read-into.ts';

/** Where a run of a source lies: in another one, in what can be computed from others, or nowhere. */
export type Piece =
  | { readonly kind: 'stored'; readonly length: number; readonly source: ByteSource; readonly offset: number }
  | { readonly kind: 'computed'; readonly length: number; compute(length: number): Uint8Array }
  | { readonly kind: 'zero' | 'absent'; readonly length: number };

/** The piece from an offset, before the end, to the end of the unit that holds it. Its length is at least 1. */
export type PieceMap = (offset: number) => Piece;

/** A source put together from pieces of others: stripes, chunks of an array, extents of a logical volume. */
export class PieceSource implements MappedSource {
  readonly sizeBytes: number;
  readonly #pieceAt: PieceMap;

  constructor(sizeBytes: number, pieceAt: PieceMap) {
    this.sizeBytes = sizeBytes;
    this.#pieceAt = pieceAt;
  }

  read(offset: number, length: number): Uint8Array {
    checkRange(this, offset, length);
    if (length === 0) return new Uint8Array(0);
    const first = this.#pieceAt(offset);
    if (first.length >= length) return readPiece(first, length) ?? new Uint8Array(length);
    const bytes = readBuffer(length);
    this.readInto(offset, bytes);
    return bytes;
  }

  readInto(offset: number, target: Uint8Array): void {
    checkRange(this, offset, target.length);
    for (let done = 0; done < target.length; ) {
      const piece = this.#pieceAt(offset + done);
      const count = Math.min(piece.length, target.length - done);
      readPieceInto(piece, target.subarray(done, done + count));
      done += count;
    }
  }

  extents(from = 0, to = this.sizeBytes): Iterable<Extent> {
    return joinExtents(this.#pieces(from, to));
  }

  *#pieces(from: number, to: number): Iterable<Extent> {
    for (let offset = from; offset < to; ) {
      const piece = this.#pieceAt(offset);
      const length = Math.min(piece.length, to - offset);
      yield* extentsOfPiece(piece, offset, length);
      offset += length;
    }
  }
}

/** `undefined` when it is all zeros. */
function readPiece(piece: Piece, length: number): Uint8Array | undefined {
  if (piece.kind === 'stored') return piece.source.read(piece.offset, length);
  return piece.kind === 'computed' ? piece.compute(length) : undefined;
}

function readPieceInto(piece: Piece, target: Uint8Array): void {
  if (piece.kind === 'stored') readInto(piece.source, piece.offset, target);
  else if (piece.kind === 'computed') target.set(piece.compute(target.length));
  else target.fill(0);
}

function* extentsOfPiece(piece: Piece, offset: number, length: number): Iterable<Extent> {
  if (piece.kind !== 'stored') {
    yield { offset, length, kind: piece.kind === 'computed' ? 'data' : piece.kind };
    return;
  }
  for (const extent of extentsOf(piece.source, piece.offset, piece.offset + length)) {
    yield { ...extent, offset: offset + extent.offset - piece.offset };
  }
}
