import type { ByteSource } from '../source/byte-source.ts';
import type { Range } from './edits.ts';

/** Keeps what was read of a source, each range once. */
export class TracingSource implements ByteSource {
  readonly sizeBytes: number;
  readonly #below: ByteSource;
  readonly #reads = new Map<string, Range>();
  /** How often it was read. */
  count = 0;

  constructor(below: ByteSource) {
    this.#below = below;
    this.sizeBytes = below.sizeBytes;
  }

  get ranges(): readonly Range[] {
    return [...this.#reads.values()];
  }

  read(offset: number, length: number): Uint8Array {
    this.count += 1;
    if (length > 0) this.#reads.set(`${offset}+${length}`, [offset, offset + length]);
    return this.#below.read(offset, length);
  }
}
