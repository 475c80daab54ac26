import { hex } from '../../hex.ts';
import { Lru } from '../../lru.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { corrupt } from './error.ts';
import type { Qcow2Header } from './header.ts';
import { readL1 } from './l1.ts';
import {
  ENTRY_COMPRESSED,
  ENTRY_COPIED,
  ENTRY_ZERO,
  OFFSET_HIGH_MASK,
  OFFSET_LOW_MASK,
  SUBCLUSTERS,
} from './layout.ts';

/** Where a run of the virtual disk is. `absent` falls to the backing file. */
export type Run =
  | { readonly kind: 'data'; readonly length: number; readonly host: number }
  | { readonly kind: 'zero'; readonly length: number }
  | { readonly kind: 'absent'; readonly length: number }
  | CompressedRun;

/** Part of one compressed cluster: `storedBytes` at `host`, of which `within` bytes of output come before the run. */
export interface CompressedRun {
  readonly kind: 'compressed';
  readonly length: number;
  readonly host: number;
  readonly storedBytes: number;
  readonly within: number;
}

const SLICE_BYTES = 64 * 1024;
const CACHE_BYTES = 8 * 2 ** 20;

/** Translates offsets of the virtual disk by the L1 and L2 tables; holds L1 and a bounded part of L2 in memory. */
export class ClusterMap {
  readonly #source: ByteSource;
  readonly #header: Qcow2Header;
  readonly #l1: ReturnType<typeof readL1>;
  readonly #entrySize: number;
  readonly #tableEntries: number;
  readonly #sliceBytes: number;
  readonly #slices = new Lru<number, DataView>(CACHE_BYTES, (slice) => slice.byteLength);
  readonly #dataSize: number;

  /** @param data where clusters are: the image itself, or its external data file */
  constructor(source: ByteSource, header: Qcow2Header, data: ByteSource) {
    this.#source = source;
    this.#header = header;
    this.#dataSize = data.sizeBytes;
    this.#l1 = readL1(source, header);
    this.#entrySize = header.features.extendedL2 ? 16 : 8;
    this.#tableEntries = header.clusterSize / this.#entrySize;
    this.#sliceBytes = Math.min(header.clusterSize, SLICE_BYTES);
  }

  /** The longest run from `offset` that is in one piece, of at most `limit` bytes. */
  locate(offset: number, limit: number): Run {
    const first = this.#unit(offset);
    let { length } = first;
    while (length < limit && offset + length < this.#header.virtualSize) {
      const next = this.#unit(offset + length);
      if (!continues(first, length, next)) break;
      length += next.length;
    }
    return { ...first, length: Math.min(length, limit) };
  }

  /** From `offset` to the end of its cluster or subcluster, or of all that a missing L2 table would map. */
  #unit(offset: number): Run {
    const { clusterSize } = this.#header;
    const cluster = Math.floor(offset / clusterSize);
    const within = offset - cluster * clusterSize;
    const tableIndex = Math.floor(cluster / this.#tableEntries);
    const table = this.#l1.tableAt(tableIndex);
    if (table === 0) return { kind: 'absent', length: (tableIndex + 1) * this.#tableEntries * clusterSize - offset };

    const at = table + (cluster - tableIndex * this.#tableEntries) * this.#entrySize;
    const slice = this.#slice(at - (at % this.#sliceBytes));
    const high = slice.getUint32(at % this.#sliceBytes);
    const low = slice.getUint32((at % this.#sliceBytes) + 4);
    if ((high & ENTRY_COMPRESSED) !== 0) return this.#compressed(high, low, within, at);

    const host = this.#hostCluster(high, low, at);
    if (this.#entrySize === 8) return this.#cluster(host, (low & ENTRY_ZERO) !== 0, within, at);
    const zeros = slice.getUint32((at % this.#sliceBytes) + 8);
    const stored = slice.getUint32((at % this.#sliceBytes) + 12);
    return this.#subcluster(host, { zeros, stored }, within, at);
  }

  #cluster(host: number | undefined, isZero: boolean, within: number, at: number): Run {
    const length = this.#header.clusterSize - within;
    if (isZero) {
      if (this.#header.version === 2)
        throw corrupt('L2 entry', 'it is a zero cluster, which version 2 does not have', at);
      return { kind: 'zero', length };
    }
    return host === undefined ? { kind: 'absent', length } : { kind: 'data', length, host: host + within };
  }

  #subcluster(host: number | undefined, bitmap: SubclusterBitmap, within: number, at: number): Run {
    const size = this.#header.clusterSize / SUBCLUSTERS;
    const index = Math.floor(within / size);
    const length = (index + 1) * size - within;
    const isZero = ((bitmap.zeros >>> index) & 1) === 1;
    const isStored = ((bitmap.stored >>> index) & 1) === 1;
    if (isStored && (isZero || host === undefined)) {
      const state = `subcluster ${index} is stored and ${isZero ? 'zero' : 'has no cluster'}`;
      throw corrupt('L2 entry', state, at + 8);
    }
    if (isZero) return { kind: 'zero', length };
    return isStored && host !== undefined ? { kind: 'data', length, host: host + within } : { kind: 'absent', length };
  }

  #compressed(high: number, low: number, within: number, at: number): CompressedRun {
    if (this.#header.features.dataFile)
      throw corrupt('L2 entry', 'cluster is compressed, in an external data file', at);
    // the offset takes the low bits, the count of further sectors the rest below the two flags
    const entry = (BigInt(high) << 32n) | BigInt(low);
    const offsetBits = BigInt(70 - this.#header.clusterBits);
    const offset = entry & ((1n << offsetBits) - 1n);
    if (offset >= BigInt(this.#dataSize)) throw this.#pastEnd(offset, at);
    const host = Number(offset);
    this.#l1.checkNotMetadata(host - (host % this.#header.clusterSize), at);
    const sectors = Number((entry >> offsetBits) & ((1n << (62n - offsetBits)) - 1n)) + 1;
    const storedBytes = sectors * 512 - (host % 512);
    return { kind: 'compressed', length: this.#header.clusterSize - within, host, storedBytes, within };
  }

  /** The host offset of a plain entry, compared with the file and its tables; `undefined` when there is no cluster. */
  #hostCluster(high: number, low: number, at: number): number | undefined {
    const host = (high & OFFSET_HIGH_MASK) * 2 ** 32 + ((low & OFFSET_LOW_MASK) >>> 0);
    const { features, clusterSize } = this.#header;
    // offset 0 is the header, so it means "none", but the first cluster of an external data file is there too
    if (host === 0) return features.dataFile && (high & ENTRY_COPIED) !== 0 ? host : undefined;
    if (host % clusterSize !== 0) {
      throw corrupt('L2 entry', `cluster is at ${hex(host)}, expected a multiple of ${hex(clusterSize)}`, at);
    }
    if (host >= this.#dataSize) throw this.#pastEnd(host, at);
    if (!features.dataFile) this.#l1.checkNotMetadata(host, at);
    return host;
  }

  #pastEnd(host: number | bigint, at: number) {
    return corrupt('L2 entry', `cluster is at ${hex(host)}, past the end at ${hex(this.#dataSize)}`, at);
  }

  #slice(offset: number): DataView {
    const known = this.#slices.get(offset);
    if (known !== undefined) return known;
    const bytes = this.#source.read(offset, this.#sliceBytes);
    const slice = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#slices.set(offset, slice);
    return slice;
  }
}

/** One bit per subcluster, the first in the lowest. */
interface SubclusterBitmap {
  readonly zeros: number;
  readonly stored: number;
}

/** Whether what follows `length` bytes of a run is still of it. */
function continues(run: Run, length: number, next: Run): boolean {
  if (run.kind !== next.kind || run.kind === 'compressed') return false;
  return run.kind !== 'data' || (next.kind === 'data' && next.host === run.host + length);
}
