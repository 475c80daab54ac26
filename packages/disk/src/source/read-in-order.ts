import type { ByteSource } from './byte-source.ts';
import { type ExtentKind, extentsOf } from './extent.ts';
import { readBuffer } from './read-buffer.ts';
import { readInto } from './read-into.ts';

export interface Piece {
  readonly kind: ExtentKind;
  /** Good until the next piece is asked for: it takes the same place. */
  readonly bytes: Uint8Array;
}

const WINDOW_BYTES = 2 ** 20;
/** More than one, so that no thread waits until the slowest is done with a window. */
const WINDOWS_AHEAD = 3;
const ZEROS = new Uint8Array(WINDOW_BYTES);

/**
 * Reads a source from its start to its end. While a window is read, and used by whoever asked, other threads prepare those that
 * follow. What is not stored is not read.
 * @throws DiskError as `read` does
 */
export async function* readInOrder(source: ByteSource): AsyncGenerator<Piece, void> {
  const buffer = readBuffer(Math.min(WINDOW_BYTES, source.sizeBytes));
  const ready: (Promise<void> | undefined)[] = [];
  const prepare = (start: number) => {
    if (start < source.sizeBytes) ready.push(source.prepare?.(start, WINDOW_BYTES));
  };
  for (let ahead = 0; ahead < WINDOWS_AHEAD; ahead++) prepare(ahead * WINDOW_BYTES);
  for (let start = 0; start < source.sizeBytes; start += WINDOW_BYTES) {
    await ready.shift();
    const end = Math.min(start + WINDOW_BYTES, source.sizeBytes);
    prepare(start + WINDOWS_AHEAD * WINDOW_BYTES);
    for (const { offset, length, kind } of extentsOf(source, start, end)) {
      const bytes = (kind === 'data' ? buffer : ZEROS).subarray(0, length);
      if (kind === 'data') readInto(source, offset, bytes);
      yield { kind, bytes };
    }
  }
}
