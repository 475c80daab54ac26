import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import type { MappedRun } from '../mapped-image.ts';
import { corrupt } from './error.ts';
import type { VmdkExtent } from './extent.ts';
import type { GrainTable } from './grain-table.ts';

export interface SparseParts {
  readonly source: ByteSource;
  readonly sizeBytes: number;
  readonly grainBytes: number;
  readonly grains: GrainTable;
  /** For grains that are compressed: reads the one at `offset`, of which `needed` bytes are of the disk. */
  readonly unpack?: ((grain: number, offset: number, needed: number) => Uint8Array) | undefined;
  readonly warnings: readonly string[];
}

/** A piece of a disk of which only the grains that were written are stored. */
export class SparseExtent implements VmdkExtent {
  readonly sizeBytes: number;
  readonly grainBytes: number;
  readonly isCompressed: boolean;
  readonly warnings: readonly string[];
  readonly #parts: SparseParts;

  constructor(parts: SparseParts) {
    this.sizeBytes = parts.sizeBytes;
    this.grainBytes = parts.grainBytes;
    this.isCompressed = parts.unpack !== undefined;
    this.warnings = parts.warnings;
    this.#parts = parts;
  }

  unitAt(offset: number): MappedRun {
    const grain = Math.floor(offset / this.grainBytes);
    const place = this.#parts.grains.find(grain);
    if (place.kind !== 'stored') {
      const end = Math.min((grain + place.count) * this.grainBytes, this.sizeBytes);
      return { kind: place.kind, length: end - offset };
    }
    return this.#stored(grain, place.offset, offset - grain * this.grainBytes);
  }

  #stored(grain: number, at: number, within: number): MappedRun {
    const { source, unpack } = this.#parts;
    // a disk need not be a whole number of grains
    const needed = Math.min(this.grainBytes, this.sizeBytes - grain * this.grainBytes);
    const length = needed - within;
    if (unpack !== undefined) return { kind: 'compressed', length, within, unpack: () => unpack(grain, at, needed) };
    if (at + needed <= source.sizeBytes) return { kind: 'data', length, source, host: at + within };
    throw corrupt('grain', `it reaches past the end of the file at ${hex(source.sizeBytes)}`, at);
  }
}
