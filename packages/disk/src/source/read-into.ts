import type { ByteSource } from './byte-source.ts';

/** Fills an array of the caller with the bytes from `offset`: from below where the source can, else by a copy. */
export function readInto(source: ByteSource, offset: number, target: Uint8Array): void {
  if (source.readInto === undefined) target.set(source.read(offset, target.length));
  else source.readInto(offset, target);
}

/** The same of a source that may be shorter: what is past its end is zero. */
export function readIntoUpToEnd(source: ByteSource, offset: number, target: Uint8Array): void {
  const stored = Math.max(0, Math.min(target.length, source.sizeBytes - offset));
  if (stored > 0) readInto(source, offset, target.subarray(0, stored));
  if (stored < target.length) target.fill(0, stored);
}
