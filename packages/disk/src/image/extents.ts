import type { ByteSource } from '../source/byte-source.ts';
import { type Extent, extentsOf, type MappedSource } from '../source/extent.ts';

/** Puts what the image below has wherever `own`, which covers a range, is absent; past its end nothing is. */
export function* overlayExtents(
  own: Iterable<Extent>,
  below: MappedSource,
  { from, to }: { readonly from: number; readonly to: number },
): Iterable<Extent> {
  const lower = new Cursor(below.extents(from, Math.min(to, below.sizeBytes)));
  for (const extent of own) {
    if (extent.kind !== 'absent') {
      yield extent;
      continue;
    }
    const end = extent.offset + extent.length;
    for (let offset = extent.offset; offset < end; ) {
      const piece = lower.at(offset, end);
      yield piece;
      offset += piece.length;
    }
  }
}

/** Walks extents once, forwards. */
class Cursor {
  readonly #extents: Iterator<Extent>;
  #current: Extent | undefined;

  constructor(extents: Iterable<Extent>) {
    this.#extents = extents[Symbol.iterator]();
    this.#advance();
  }

  at(offset: number, end: number): Extent {
    while (this.#current !== undefined && this.#current.offset + this.#current.length <= offset) this.#advance();
    if (this.#current === undefined) return { offset, length: end - offset, kind: 'absent' };
    const length = Math.min(end, this.#current.offset + this.#current.length) - offset;
    return { offset, length, kind: this.#current.kind };
  }

  #advance(): void {
    const next = this.#extents.next();
    this.#current = next.done === true ? undefined : next.value;
  }
}

/** How much of a source is stored. Reads the whole map: a moment for large images. */
export function allocatedBytes(source: ByteSource): number {
  let sum = 0;
  for (const { kind, length } of extentsOf(source, 0, source.sizeBytes)) if (kind === 'data') sum += length;
  return sum;
}
