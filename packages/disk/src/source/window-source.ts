import { DiskError } from '../error.ts';
import { hex } from '../hex.ts';
import type { ByteSource } from './byte-source.ts';
import { type Extent, extentsOf, type MappedSource } from './extent.ts';
import { checkRange } from './range.ts';
import { readInto } from './read-into.ts';

/** A run of another source: a partition of a disk. Offsets are from the start of the run. */
export class WindowSource implements MappedSource {
  readonly sizeBytes: number;
  readonly #below: ByteSource;
  readonly #start: number;

  /** @throws DiskError `corrupt` when the run does not lie within the source */
  constructor(below: ByteSource, start: number, sizeBytes: number) {
    if (start < 0 || sizeBytes < 0 || !(start + sizeBytes <= below.sizeBytes)) {
      const state = `${hex(sizeBytes)} bytes at ${hex(start)}, source has ${hex(below.sizeBytes)}`;
      throw new DiskError('corrupt', `Cannot take part of a source: ${state}`, { offset: start });
    }
    this.#below = below;
    this.#start = start;
    this.sizeBytes = sizeBytes;
  }

  read(offset: number, length: number): Uint8Array {
    checkRange(this, offset, length);
    return this.#below.read(this.#start + offset, length);
  }

  readInto(offset: number, target: Uint8Array): void {
    checkRange(this, offset, target.length);
    readInto(this.#below, this.#start + offset, target);
  }

  async prepare(offset: number, length: number): Promise<void> {
    await this.#below.prepare?.(this.#start + offset, length);
  }

  *extents(from = 0, to = this.sizeBytes): Iterable<Extent> {
    for (const extent of extentsOf(this.#below, this.#start + from, this.#start + to)) {
      yield { ...extent, offset: extent.offset - this.#start };
    }
  }
}
