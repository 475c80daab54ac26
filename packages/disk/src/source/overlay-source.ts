import type { ByteSource } from './byte-source.ts';
import { checkRange } from './range.ts';
import { readBuffer } from './read-buffer.ts';

/** A run that replaces what is below: with `bytes`, with a copy of what is elsewhere below, or else with zeros. */
export interface OverlayWrite {
  readonly start: number;
  readonly end: number;
  /** As many as the run has. */
  readonly bytes?: Uint8Array;
  /** Where the source below holds the bytes of the run, whatever is written there; all of them must be within it. */
  readonly copiedFrom?: number;
}

/** A source with writes applied in memory: a log replayed, the file below untouched. */
export class OverlaySource implements ByteSource {
  readonly sizeBytes: number;
  readonly #below: ByteSource;
  /** In order of offset, none overlapping. */
  readonly #runs: OverlayWrite[] = [];

  /** @param writes in the order they were made: a later one covers an earlier one. The source grows to hold them all. */
  constructor(below: ByteSource, writes: Iterable<OverlayWrite>, leastSizeBytes = 0) {
    this.#below = below;
    for (const write of writes) if (write.end > write.start) this.#insert(write);
    this.sizeBytes = Math.max(below.sizeBytes, leastSizeBytes, this.#runs.at(-1)?.end ?? 0);
  }

  read(offset: number, length: number): Uint8Array {
    checkRange(this, offset, length);
    const end = offset + length;
    let index = this.#firstAfter(offset);
    const isUntouched = (this.#runs[index]?.start ?? end) >= end;
    if (isUntouched && end <= this.#below.sizeBytes) return this.#below.read(offset, length);
    const bytes = this.#readBelow(offset, length);
    for (let run = this.#runs[index]; run !== undefined && run.start < end; run = this.#runs[++index]) {
      const start = Math.max(run.start, offset);
      const piece = part(run, start, Math.min(run.end, end));
      const replacement = this.#bytesOf(piece);
      if (replacement === undefined) bytes.fill(0, start - offset, piece.end - offset);
      else bytes.set(replacement, start - offset);
    }
    return bytes;
  }

  /** `undefined` for zeros. */
  #bytesOf({ start, end, bytes, copiedFrom }: OverlayWrite): Uint8Array | undefined {
    return copiedFrom === undefined ? bytes : this.#below.read(copiedFrom, end - start);
  }

  /** A copy, with zeros past the end. */
  #readBelow(offset: number, length: number): Uint8Array {
    const bytes = readBuffer(length);
    const stored = Math.min(length, this.#below.sizeBytes - offset);
    if (stored > 0) bytes.set(this.#below.read(offset, stored));
    return bytes;
  }

  #insert(write: OverlayWrite): void {
    const first = this.#firstAfter(write.start);
    let last = first;
    while ((this.#runs[last]?.start ?? write.end) < write.end) last++;
    const kept: OverlayWrite[] = [write];
    const before = this.#runs[first];
    const after = this.#runs[last - 1];
    if (last > first && before !== undefined && before.start < write.start) {
      kept.unshift(part(before, before.start, write.start));
    }
    if (last > first && after !== undefined && after.end > write.end) kept.push(part(after, write.end, after.end));
    this.#runs.splice(first, last - first, ...kept);
  }

  /** The index of the first run that ends after an offset. */
  #firstAfter(offset: number): number {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#runs[middle]?.end ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function part({ start: from, bytes, copiedFrom }: OverlayWrite, start: number, end: number): OverlayWrite {
  if (bytes !== undefined) return { start, end, bytes: bytes.subarray(start - from, end - from) };
  return copiedFrom === undefined ? { start, end } : { start, end, copiedFrom: copiedFrom + (start - from) };
}
