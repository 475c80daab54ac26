import { constants, inflateSync, zstdDecompressSync } from 'node:zlib';
import { decompressLz4 } from '../../compression/lz4.ts';
import { decompressLzo } from '../../compression/lzo.ts';
import { decodeXz } from '../../compression/xz/decode.ts';
import { decodeLzma } from '../../compression/xz/lzma-alone.ts';
import { corrupt } from './error.ts';

/** By the number in the superblock. */
export const COMPRESSIONS = [undefined, 'gzip', 'lzma', 'lzo', 'xz', 'lz4', 'zstd'] as const;
export type Compression = Exclude<(typeof COMPRESSIONS)[number], undefined>;

const UNPACK: Readonly<Record<Compression, (bytes: Uint8Array, most: number) => Uint8Array>> = {
  gzip: (bytes, most) => inflateSync(bytes, { ...bounded(most), finishFlush: constants.Z_SYNC_FLUSH }),
  zstd: (bytes, most) => zstdDecompressSync(bytes, bounded(most)),
  lzma: decodeLzma,
  xz: decodeXz,
  lzo: (bytes, most) => into(most, (output) => decompressLzo(bytes, output)),
  lz4: (bytes, most) => into(most, (output) => decompressLz4(bytes, output)),
};

/** Unpacks a block, never to more than `most` bytes (security rule R8). `offset` is where it is, for errors. */
export function unpack(compression: Compression, bytes: Uint8Array, most: number, offset: number): Uint8Array {
  try {
    return UNPACK[compression](bytes, most);
  } catch (cause) {
    const state = cause instanceof Error ? cause.message : String(cause);
    throw corrupt(`Cannot unpack block: ${compression} says "${state}"`, offset);
  }
}

function bounded(most: number) {
  return { maxOutputLength: most, chunkSize: most };
}

function into(most: number, decompress: (output: Uint8Array) => number): Uint8Array {
  const output = new Uint8Array(most);
  return output.subarray(0, decompress(output));
}
