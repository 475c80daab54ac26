import { constants, inflateSync, zstdDecompressSync } from 'node:zlib';
import { decompressLzo } from '../../compression/lzo.ts';
import { zstdFrameLength } from '../../compression/zstd-frame.ts';
import { DiskError } from '../../error.ts';

/** By the number that extents say. */
export const COMPRESSIONS = ['none', 'zlib', 'lzo', 'zstd'] as const;
export type Compression = Exclude<(typeof COMPRESSIONS)[number], 'none'>;

export interface CompressedBytes {
  readonly bytes: Uint8Array;
  readonly compression: Compression;
  readonly plainLength: number;
  readonly sectorSize: number;
  /** The address, for errors. */
  readonly offset: number;
}

type Decompress = (compressed: CompressedBytes) => Uint8Array;

const DECOMPRESS: Readonly<Record<Compression, Decompress>> = {
  // a sector is filled up behind the end of the stream
  zlib: ({ bytes, plainLength }) =>
    inflateSync(bytes, {
      maxOutputLength: plainLength,
      chunkSize: chunkSize(plainLength),
      finishFlush: constants.Z_SYNC_FLUSH,
    }),
  lzo: decompressSegments,
  zstd: ({ bytes, plainLength }) =>
    zstdDecompressSync(bytes.subarray(0, zstdFrameLength(bytes)), {
      maxOutputLength: plainLength,
      chunkSize: chunkSize(plainLength),
    }),
};

/** The least that zlib takes. */
const LEAST_CHUNK = 64;

function chunkSize(plainLength: number): number {
  return Math.max(plainLength, LEAST_CHUNK);
}

/** Unpacks an extent, never to more than it says (security rule R8); what the stream leaves out is zeros. */
export function decompress(compressed: CompressedBytes): Uint8Array {
  const bytes = new Uint8Array(compressed.plainLength);
  bytes.set(attempt(() => DECOMPRESS[compressed.compression](compressed), compressed));
  return bytes;
}

const LENGTH_SIZE = 4;

/** A total, then segments that hold one sector each. Each says its length, which is never cut by the end of a sector. */
function decompressSegments({ bytes, plainLength, sectorSize }: CompressedBytes): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const total = view.getUint32(0, true);
  if (total > bytes.length) throw new RangeError(`${total} bytes in ${bytes.length}`);
  const output = new Uint8Array(plainLength);
  let written = 0;
  for (let at = LENGTH_SIZE; at + LENGTH_SIZE <= total && written < plainLength; ) {
    const room = sectorSize - (at % sectorSize);
    if (room < LENGTH_SIZE) at += room;
    if (at + LENGTH_SIZE > total) break;
    const length = view.getUint32(at, true);
    const segment = bytes.subarray(at + LENGTH_SIZE, at + LENGTH_SIZE + length);
    if (at + LENGTH_SIZE + length > total) throw new RangeError('a segment reaches past the end');
    written += decompressLzo(segment, output.subarray(written, written + sectorSize));
    at += LENGTH_SIZE + length;
  }
  return output.subarray(0, written);
}

function attempt(action: () => Uint8Array, { compression, offset }: CompressedBytes): Uint8Array {
  try {
    return action();
  } catch (cause) {
    const state = cause instanceof Error ? cause.message : String(cause);
    const message = `Cannot read compressed extent: ${compression} says "${state}"`;
    throw new DiskError('corrupt', message, { format: 'btrfs', offset, cause });
  }
}
