import { promisify } from 'node:util';
import {
  constants,
  inflateRaw,
  inflateRawSync,
  type ZlibOptions,
  type ZstdOptions,
  zstdDecompress,
  zstdDecompressSync,
} from 'node:zlib';
import { zstdContentSize, zstdFrameLength } from '../../compression/zstd-frame.ts';
import { DiskError } from '../../error.ts';
import { corrupt } from './error.ts';
import type { COMPRESSION_TYPES } from './layout.ts';

interface Decompressor {
  readonly now: (stored: Uint8Array, clusterSize: number) => Uint8Array;
  /** Several on other threads. */
  readonly ahead: (stored: readonly Uint8Array[], clusterSize: number) => Promise<readonly Uint8Array[]>;
}

const inflateRawAhead = promisify<Uint8Array, ZlibOptions, Uint8Array>(inflateRaw);
const zstdDecompressAhead = promisify<Uint8Array, ZstdOptions, Uint8Array>(zstdDecompress);

// a byte more than is needed shows that nothing follows, without a second call and buffer
const limits = (clusterSize: number) => ({ maxOutputLength: clusterSize, chunkSize: clusterSize + 1 });
// the writer may leave out the end marker when the cluster is full
const inflateOptions = (clusterSize: number) => ({ ...limits(clusterSize), finishFlush: constants.Z_SYNC_FLUSH });
const frameOf = (stored: Uint8Array) => stored.subarray(0, zstdFrameLength(stored));

// what follows the stream in its last sector belongs to another cluster: raw deflate ends by itself, zstd would read on
const DECOMPRESSORS: Readonly<Record<(typeof COMPRESSION_TYPES)[number], Decompressor>> = {
  zlib: {
    now: (stored, clusterSize) => inflateRawSync(stored, inflateOptions(clusterSize)),
    ahead: (stored, clusterSize) => Promise.all(stored.map((one) => inflateRawAhead(one, inflateOptions(clusterSize)))),
  },
  zstd: {
    now: (stored, clusterSize) => zstdDecompressSync(frameOf(stored), limits(clusterSize)),
    ahead: async (stored, clusterSize) =>
      stored.every((one) => zstdContentSize(one) === clusterSize)
        ? zstdDecompressJoined(stored.map(frameOf), clusterSize)
        : Promise.all(stored.map((one) => zstdDecompressAhead(frameOf(one), limits(clusterSize)))),
  },
};

/**
 * Frames one behind the other are a stream too, and a call takes as long as half a cluster. Only of frames that say how much they
 * hold, which the decoder holds them to: else a longer one could make up for a shorter one.
 */
async function zstdDecompressJoined(frames: readonly Uint8Array[], frameBytes: number): Promise<readonly Uint8Array[]> {
  const bytes = await zstdDecompressAhead(Buffer.concat(frames), limits(frames.length * frameBytes));
  return frames.map((_, index) => bytes.subarray(index * frameBytes, (index + 1) * frameBytes));
}

/** Decompresses one cluster, never to more than its size (security rule R8). `offset` is where it is stored. */
export function decompressCluster(
  type: keyof typeof DECOMPRESSORS,
  stored: Uint8Array,
  clusterSize: number,
  offset: number,
): Uint8Array {
  const cluster = attempt(() => DECOMPRESSORS[type].now(stored, clusterSize), type, offset);
  if (cluster.length !== clusterSize) {
    throw corrupt('compressed cluster', `it holds ${cluster.length} bytes, expected ${clusterSize}`, offset);
  }
  return cluster;
}

/** The same of several on other threads; none of them when there is one that `decompressCluster` will refuse. */
export async function decompressClustersAhead(
  type: keyof typeof DECOMPRESSORS,
  stored: readonly Uint8Array[],
  clusterSize: number,
): Promise<readonly Uint8Array[]> {
  const clusters = await DECOMPRESSORS[type].ahead(stored, clusterSize).catch(() => []);
  return clusters.every((cluster) => cluster.length === clusterSize) ? clusters : [];
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
