import type { ByteSource } from './byte-source.ts';
import { type ExtentKind, extentsOf } from './extent.ts';
import { readInto } from './read-into.ts';

export interface Piece {
  readonly kind: ExtentKind;
  /** Good until the next piece is asked for: it takes the same place. */
  readonly bytes: Uint8Array;
}

const WINDOW_BYTES = 2 ** 20;
const ZEROS = new Uint8Array(WINDOW_BYTES);

/**
 * Reads a source from its start to its end. While a window is read, and used by whoever asked, other threads prepare the one that
 * follows. What is not stored is not read.
 * @throws DiskError as `read` does
 */
export async function* readInOrder(source: ByteSource): AsyncGenerator<Piece, void> {
  const buffer = new Uint8Array(Math.min(WINDOW_BYTES, source.sizeBytes));
  let ready = source.prepare?.(0, WINDOW_BYTES);
  for (let start = 0; start < source.sizeBytes; start += WINDOW_BYTES) {
    await ready;
    const end = Math.min(start + WINDOW_BYTES, source.sizeBytes);
    ready = end < source.sizeBytes ? source.prepare?.(end, WINDOW_BYTES) : undefined;
    for (const { offset, length, kind } of extentsOf(source, start, end)) {
      const bytes = (kind === 'data' ? buffer : ZEROS).subarray(0, length);
      if (kind === 'data') readInto(source, offset, bytes);
      yield { kind, bytes };
    }
  }
}
