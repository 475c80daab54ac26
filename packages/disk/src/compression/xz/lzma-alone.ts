import { corrupt, unsupported } from './error.ts';
import { LARGEST_WINDOW } from './layout.ts';
import { LzmaDecoder } from './lzma.ts';
import { readLzmaProperties } from './lzma2.ts';
import { Window } from './window.ts';

// the older .lzma format: properties, window size and content size, then one run
const HEADER_SIZE = 13;
const SIZE_UNKNOWN = 2n ** 64n - 1n;

/**
 * Decodes a whole .lzma file that is at hand, which has no checksum of its own.
 * @throws DiskError `corrupt` when it holds more than `maxBytes`
 */
export function decodeLzma(bytes: Uint8Array, maxBytes: number): Uint8Array {
  if (bytes.length < HEADER_SIZE) throw corrupt('.lzma header', 'it ends too early', 0);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const properties = readLzmaProperties(view.getUint8(0));
  if (properties === undefined) throw corrupt('.lzma header', 'its properties are out of range', 0);
  const windowSize = view.getUint32(1, true);
  if (windowSize > LARGEST_WINDOW) throw unsupported('.lzma header', `window of ${windowSize} bytes is needed`, 1);
  const length = readLength(view, maxBytes);
  const window = new Window(Math.max(windowSize, 1), () => {});
  const decoder = new LzmaDecoder(window);
  decoder.setProperties(properties);
  const hasEnded = decoder.decodeAtMost(bytes.subarray(HEADER_SIZE), length ?? maxBytes, HEADER_SIZE);
  if (length !== undefined && window.position < length) throw corrupt('LZMA run', 'it ends too early', HEADER_SIZE);
  if (length === undefined && !hasEnded && !decoder.hasEndMarker()) {
    throw corrupt('LZMA run', `it holds more than ${maxBytes} bytes`, HEADER_SIZE);
  }
  return window.buffer.subarray(0, window.position);
}

function readLength(view: DataView, maxBytes: number): number | undefined {
  const length = view.getBigUint64(5, true);
  if (length === SIZE_UNKNOWN) return undefined;
  if (length > maxBytes) throw corrupt('.lzma header', `it holds ${length} bytes, expected at most ${maxBytes}`, 5);
  return Number(length);
}
