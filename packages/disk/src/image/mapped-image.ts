import { Lru } from '../lru.ts';
import type { ByteSource } from '../source/byte-source.ts';
import { joinExtents } from '../source/extent.ts';
import { checkRange } from '../source/range.ts';
import { readBuffer } from '../source/read-buffer.ts';
import { readInto, readIntoUpToEnd } from '../source/read-into.ts';
import { overlayExtents } from './extents.ts';
import type { DiskImage, Extent, ImageFacts } from './image.ts';

/** Where a run of a disk is. `absent` falls to the parent, and reads as zero where there is none. */
export type MappedRun = StoredRun | CompressedRun | EmptyRun;

export interface StoredRun {
  readonly kind: 'data';
  readonly length: number;
  readonly host: number;
  /** Where `host` counts, when that is not the data source of the image. */
  readonly source?: ByteSource;
}

/** Part of one compressed unit: `within` bytes of it come before the run. */
export interface CompressedRun {
  readonly kind: 'compressed';
  readonly length: number;
  readonly within: number;
  unpack(): Uint8Array;
}

export interface EmptyRun {
  readonly kind: 'zero' | 'absent';
  readonly length: number;
}

/** Translates offsets of a disk to where a container keeps them. */
export interface DiskMap {
  /**
   * From an offset before the end of the disk to the end of the unit that holds it, or of several that are stored nowhere.
   * @throws DiskError `corrupt` when the unit is not where the container says
   */
  unitAt(offset: number): MappedRun;
}

export interface MappedImageParts {
  readonly facts: ImageFacts;
  /** Where the units are. */
  readonly data: ByteSource;
  readonly map: DiskMap;
  readonly parent: DiskImage | undefined;
}

const UNPACKED_CACHE_BYTES = 4 * 2 ** 20;

/** A disk read through the map of a container, above its parent where it has one. */
export class MappedImage implements DiskImage {
  readonly sizeBytes: number;
  readonly facts: ImageFacts;
  readonly #data: ByteSource;
  readonly #map: DiskMap;
  readonly #parent: DiskImage | undefined;
  /** By the offset of the unit on the disk. */
  readonly #unpacked = new Lru<number, Uint8Array>(UNPACKED_CACHE_BYTES, (unit) => unit.length);

  constructor({ facts, data, map, parent }: MappedImageParts) {
    this.sizeBytes = facts.virtual_size;
    this.facts = facts;
    this.#data = data;
    this.#map = map;
    this.#parent = parent;
  }

  read(offset: number, length: number): Uint8Array {
    checkRange(this, offset, length, { format: this.facts.format });
    if (length === 0) return new Uint8Array(0);
    const first = this.#locate(offset, length);
    if (first.kind === 'data' && first.length === length) return (first.source ?? this.#data).read(first.host, length);
    const bytes = readBuffer(length);
    this.#fill(bytes, first, offset);
    return bytes;
  }

  readInto(offset: number, target: Uint8Array): void {
    checkRange(this, offset, target.length, { format: this.facts.format });
    if (target.length > 0) this.#fill(target, this.#locate(offset, target.length), offset);
  }

  extents(from = 0, to = this.sizeBytes): Iterable<Extent> {
    const own = this.#ownExtents(from, to);
    return joinExtents(this.#parent === undefined ? own : overlayExtents(own, this.#parent, { from, to }));
  }

  *#ownExtents(from: number, to: number): Iterable<Extent> {
    for (let offset = from; offset < to; ) {
      const { kind, length: unitBytes } = this.#map.unitAt(offset);
      const length = Math.min(unitBytes, to - offset);
      yield { offset, length, kind: kind === 'compressed' ? 'data' : kind };
      offset += length;
    }
  }

  /** The longest run from `offset` that is in one piece, of at most `limit` bytes. */
  #locate(offset: number, limit: number): MappedRun {
    let run = this.#map.unitAt(offset);
    while (run.length < limit) {
      const next = this.#map.unitAt(offset + run.length);
      if (!continues(run, next)) break;
      run = { ...run, length: run.length + next.length };
    }
    return run.length <= limit ? run : { ...run, length: limit };
  }

  #fill(target: Uint8Array, first: MappedRun, offset: number): void {
    let run = first;
    for (let done = 0; ; ) {
      this.#readRun(run, offset + done, target.subarray(done, done + run.length));
      done += run.length;
      if (done === target.length) return;
      run = this.#locate(offset + done, target.length - done);
    }
  }

  #readRun(run: MappedRun, offset: number, target: Uint8Array): void {
    if (run.kind === 'data') readInto(run.source ?? this.#data, run.host, target);
    else if (run.kind === 'compressed')
      target.set(this.#unpack(run, offset).subarray(run.within, run.within + run.length));
    else if (run.kind === 'absent' && this.#parent !== undefined) readIntoUpToEnd(this.#parent, offset, target);
    else target.fill(0);
  }

  #unpack(run: CompressedRun, offset: number): Uint8Array {
    const start = offset - run.within;
    const known = this.#unpacked.get(start);
    if (known !== undefined) return known;
    const unit = run.unpack();
    // what was read as a whole is not needed for the rest of it
    if (run.length < unit.length) this.#unpacked.set(start, unit);
    return unit;
  }
}

function continues(run: MappedRun, next: MappedRun): boolean {
  if (run.kind !== 'data') return run.kind === next.kind && run.kind !== 'compressed';
  return next.kind === 'data' && next.source === run.source && next.host === run.host + run.length;
}
