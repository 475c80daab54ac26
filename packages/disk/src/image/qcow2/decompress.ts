import { constants, inflateRawSync, zstdDecompressSync } from 'node:zlib';
import { zstdFrameLength } from '../../compression/zstd-frame.ts';
import { DiskError } from '../../error.ts';
import { corrupt } from './error.ts';
import type { COMPRESSION_TYPES } from './layout.ts';

type Decompress = (stored: Uint8Array, clusterSize: number) => Uint8Array;

// what follows the stream in its last sector belongs to another cluster: raw deflate ends by itself, zstd would read on
const DECOMPRESS: Readonly<Record<(typeof COMPRESSION_TYPES)[number], Decompress>> = {
  zlib: (stored, clusterSize) =>
    inflateRawSync(stored, {
      maxOutputLength: clusterSize,
      // a byte more than is needed shows that nothing follows, without a second call and buffer
      chunkSize: clusterSize + 1,
      // the writer may leave out the end marker when the cluster is full
      finishFlush: constants.Z_SYNC_FLUSH,
    }),
  zstd: (stored, clusterSize) =>
    zstdDecompressSync(stored.subarray(0, zstdFrameLength(stored)), {
      maxOutputLength: clusterSize,
      chunkSize: clusterSize + 1,
    }),
};

/** Decompresses one cluster, never to more than its size (security rule R8). `offset` is where it is stored. */
export function decompressCluster(
  type: keyof typeof DECOMPRESS,
  stored: Uint8Array,
  clusterSize: number,
  offset: number,
): Uint8Array {
  const cluster = attempt(() => DECOMPRESS[type](stored, clusterSize), type, offset);
  if (cluster.length !== clusterSize) {
    throw corrupt('compressed cluster', `it holds ${cluster.length} bytes, expected ${clusterSize}`, offset);
  }
  return cluster;
}

function attempt<T>(action: () => T, type: string, offset: number): T {
  try {
    return action();
  } catch (cause) {
    const state = cause instanceof Error ? cause.message : String(cause);
    const message = `Cannot read qcow2 compressed cluster: ${type} says "${state}"`;
    throw new DiskError('corrupt', message, { format: 'qcow2', offset, cause });
  }
}
