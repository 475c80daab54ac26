import { decodeLznt1 } from '../../compression/lznt1.ts';
import { DiskError } from '../../error.ts';
import { Lru } from '../../lru.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { type Extent, joinExtents, type MappedSource } from '../../source/extent.ts';
import { checkRange } from '../../source/range.ts';
import { ClusterContent, type ClusterLayout } from './cluster-content.ts';
import { corrupt } from './corrupt.ts';

const KEPT_BYTES = 1024 * 1024;

/**
 * Content that is compressed unit by unit. A unit of which all clusters are stored is not compressed; one of which none are is
 * zeros; otherwise the clusters at its front hold it, packed.
 */
export class CompressedContent implements MappedSource {
  readonly sizeBytes: number;
  readonly #stored: ClusterContent;
  readonly #unitBytes: number;
  readonly #validBytes: number;
  readonly #units = new Lru<number, Uint8Array>(KEPT_BYTES, (unit) => unit.length);

  constructor(volume: ByteSource, layout: ClusterLayout, unitBytes: number) {
    this.sizeBytes = layout.sizeBytes;
    this.#validBytes = layout.validBytes;
    this.#unitBytes = unitBytes;
    const { clusterBytes, runs } = layout;
    const last = runs.at(-1);
    const storedBytes = last === undefined ? 0 : (last.vcn + last.count) * clusterBytes;
    this.#stored = new ClusterContent(volume, { clusterBytes, runs, sizeBytes: storedBytes, validBytes: storedBytes });
  }

  read(offset: number, length: number): Uint8Array {
    checkRange(this, offset, length, { format: 'ntfs' });
    const bytes = new Uint8Array(length);
    const end = Math.min(offset + length, this.#validBytes);
    for (let at = offset; at < end; ) {
      const index = Math.floor(at / this.#unitBytes);
      const within = at - index * this.#unitBytes;
      const piece = this.#unit(index).subarray(within, within + end - at);
      bytes.set(piece, at - offset);
      at += piece.length;
    }
    return bytes;
  }

  *extents(from = 0): Iterable<Extent> {
    yield* joinExtents(this.#unitExtents(from));
  }

  *#unitExtents(from: number): Generator<Extent> {
    for (let offset = from; offset < this.sizeBytes; ) {
      const index = Math.floor(offset / this.#unitBytes);
      const length = Math.min((index + 1) * this.#unitBytes, this.sizeBytes) - offset;
      const isStored = this.#storedBytes(index).stored > 0;
      yield { offset, length, kind: !isStored ? 'absent' : offset < this.#validBytes ? 'data' : 'zero' };
      offset += length;
    }
  }

  #unit(index: number): Uint8Array {
    const known = this.#units.get(index);
    if (known !== undefined) return known;
    const unit = this.#readUnit(index);
    this.#units.set(index, unit);
    return unit;
  }

  #readUnit(index: number): Uint8Array {
    const { stored, hasHole } = this.#storedBytes(index);
    const start = index * this.#unitBytes;
    if (stored === 0) return new Uint8Array(this.#unitBytes);
    const bytes = this.#stored.read(start, stored);
    if (hasHole) return this.#unpack(bytes, start);
    if (stored === this.#unitBytes) return bytes;
    const unit = new Uint8Array(this.#unitBytes);
    unit.set(bytes);
    return unit;
  }

  #unpack(packed: Uint8Array, start: number): Uint8Array {
    try {
      return decodeLznt1(packed, this.#unitBytes);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      const message = `Cannot read compressed unit at ${start}: ${error.message}`;
      const offset = this.#stored.placeOf(start) + (error.offset ?? 0);
      throw new DiskError(error.kind, message, { format: 'ntfs', offset, cause: error });
    }
  }

  /** How much is stored at the front of a unit, and whether there is a hole behind it. */
  #storedBytes(index: number): { readonly stored: number; readonly hasHole: boolean } {
    const start = index * this.#unitBytes;
    const end = Math.min(start + this.#unitBytes, this.#stored.sizeBytes);
    let stored = 0;
    let hasHole = false;
    for (const { offset, length, kind } of start < end ? this.#stored.extents(start) : []) {
      if (offset >= end) break;
      if (kind === 'absent') hasHole = true;
      else if (hasHole)
        throw corrupt(`Cannot read compressed unit at ${start}: there is a hole in it`, this.#stored.placeOf(offset));
      else stored += Math.min(length, end - offset);
    }
    return { stored, hasHole };
  }
}
