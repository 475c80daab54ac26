import type { ByteSource } from './byte-source.ts';

/** What a range holds: stored bytes, stored knowledge of zeros, or nothing (reads as zero). */
export type ExtentKind = 'data' | 'zero' | 'absent';

export interface Extent {
  readonly offset: number;
  readonly length: number;
  readonly kind: ExtentKind;
}

/** A source that knows which of its ranges are stored. */
export interface MappedSource extends ByteSource {
  /**
   * Covers the source from an offset (default: its start) to another (default: its end) in order, without gaps or overlaps;
   * neighbours of one kind are joined. Looks no further than it is asked to: what lies beyond costs nothing.
   */
  extents(from?: number, to?: number): Iterable<Extent>;
}

export function isMapped(source: ByteSource): source is MappedSource {
  return 'extents' in source;
}

/** What a range of any source holds; what is not known to be empty is data. */
export function* extentsOf(source: ByteSource, start: number, end: number): Iterable<Extent> {
  if (!isMapped(source)) {
    if (end > start) yield { offset: start, length: end - start, kind: 'data' };
    return;
  }
  for (const extent of source.extents(start, end)) {
    const stop = Math.min(end, extent.offset + extent.length);
    if (stop > extent.offset) yield { ...extent, length: stop - extent.offset };
    if (stop === end) return;
  }
}

/** Joins neighbours of one kind. */
export function* joinExtents(extents: Iterable<Extent>): Iterable<Extent> {
  let current: Extent | undefined;
  for (const extent of extents) {
    if (current?.kind === extent.kind) {
      current = { ...current, length: current.length + extent.length };
      continue;
    }
    if (current !== undefined) yield current;
    current = extent;
  }
  if (current !== undefined) yield current;
}
