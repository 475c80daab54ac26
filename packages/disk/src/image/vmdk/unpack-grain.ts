import { inflateSync } from 'node:zlib';
import { readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { corrupt } from './error.ts';
import type { HostedHeader } from './hosted-header.ts';
import { GRAIN_HEADER_SIZE, MARKER, MARKER_SIZE, SECTOR_SIZE } from './layout.ts';

// a little more than is filled: zlib then ends without asking for a second piece
const SPARE_BYTES = 64;
const LARGEST_CHUNK = 2 ** 20;

/** Unpacks the grain at `offset` of the file, never to more than a grain (security rule R8), and at least to what is `needed`. */
export function unpackGrain(
  source: ByteSource,
  { grainBytes, hasMarkers }: HostedHeader,
  { grain, offset, needed }: { readonly grain: number; readonly offset: number; readonly needed: number },
): Uint8Array {
  // without markers nothing says how long it is: the stream ends by itself
  const stored = hasMarkers
    ? readMarked(source, offset, grain, grainBytes)
    : source.read(offset, Math.min(2 * grainBytes, source.sizeBytes - offset));
  const bytes = inflate(stored, grainBytes, offset);
  if (bytes.length >= needed) return bytes;
  throw corrupt('compressed grain', `it holds ${bytes.length} bytes, expected ${needed}`, offset);
}

function readMarked(source: ByteSource, offset: number, grain: number, grainBytes: number): Uint8Array {
  if (offset + MARKER_SIZE > source.sizeBytes) throw corrupt('compressed grain', 'the file ends within it', offset);
  const { val, size } = readFields(source.read(offset, MARKER_SIZE), MARKER, { format: 'vmdk', offset });
  if (val * SECTOR_SIZE !== grain * grainBytes) {
    const state = `it is for ${hex(val * SECTOR_SIZE)} of the extent, expected ${hex(grain * grainBytes)}`;
    throw corrupt('compressed grain', state, offset);
  }
  const start = offset + GRAIN_HEADER_SIZE;
  if (size > 2 * grainBytes || start + size > source.sizeBytes) {
    const state = `it has ${size} bytes, expected at most ${2 * grainBytes} within the file`;
    throw corrupt('compressed grain', state, offset + 8);
  }
  return source.read(start, size);
}

function inflate(stored: Uint8Array, grainBytes: number, offset: number): Uint8Array {
  try {
    return inflateSync(stored, {
      maxOutputLength: grainBytes,
      chunkSize: Math.min(grainBytes, LARGEST_CHUNK) + SPARE_BYTES,
    });
  } catch (cause) {
    const state = cause instanceof Error ? cause.message : String(cause);
    throw corrupt('compressed grain', `zlib says "${state}"`, offset, cause);
  }
}
