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
import { zstdFrameLength } from '../../compression/zstd-frame.ts';
import { DiskError } from '../../error.ts';
import { corrupt } from './error.ts';
import type { COMPRESSION_TYPES } from './layout.ts';

interface Decompressor {
  readonly now: (stored: Uint8Array, clusterSize: number) => Uint8Array;
  /** On another thread. */
  readonly ahead: (stored: Uint8Array, clusterSize: number) => Promise<Uint8Array>;
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
    ahead: (stored, clusterSize) => inflateRawAhead(stored, inflateOptions(clusterSize)),
  },
  zstd: {
    now: (stored, clusterSize) => zstdDecompressSync(frameOf(stored), limits(clusterSize)),
    ahead: async (stored, clusterSize) => zstdDecompressAhead(frameOf(stored), limits(clusterSize)),
  },
};

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

/** The same on another thread; `undefined` for what `decompressCluster` will refuse. */
export async function decompressClusterAhead(
  type: keyof typeof DECOMPRESSORS,
  stored: Uint8Array,
  clusterSize: number,
): Promise<Uint8Array | undefined> {
  const cluster = await DECOMPRESSORS[type].ahead(stored, clusterSize).catch(() => undefined);
  return cluster?.length === clusterSize ? cluster : undefined;
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
