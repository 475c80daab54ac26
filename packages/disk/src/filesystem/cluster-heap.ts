import { DiskError } from '../error.ts';
import { hex } from '../hex.ts';
import type { ByteSource } from '../source/byte-source.ts';
import { CachedSource } from '../source/cached-source.ts';
import { checkRange } from '../source/range.ts';
import { type ClusterRun, type ClusterTable, readChain } from './cluster-chain.ts';
import type { ByteRun } from './run-content.ts';

/** The first cluster of every FAT and exFAT: the table has two entries that are something else. */
export const FIRST_CLUSTER = 2;

const CACHE = { blockBytes: 4096, budgetBytes: 4 * 1024 * 1024 };
const SLOT_BYTES = 32;
const PIECE_BYTES = 16 * 1024;

/** Where the clusters of a volume are. */
export interface HeapPlace {
  /** Of the first cluster. */
  readonly dataOffset: number;
  readonly clusterBytes: number;
  readonly clusterCount: number;
}

/** One of the 32 bytes that folders are made of. */
export interface Slot {
  readonly bytes: Uint8Array;
  /** Where on the volume it is. */
  readonly offset: number;
}

/** The clusters of a FAT or exFAT volume. A range that is asked for is in the image, or the image is cut. */
export class ClusterHeap implements ByteSource {
  readonly sizeBytes: number;
  readonly #source: ByteSource;
  readonly #metadata: CachedSource;
  readonly #table: ClusterTable;
  readonly #place: HeapPlace;

  constructor(source: ByteSource, table: ClusterTable, place: HeapPlace) {
    this.sizeBytes = source.sizeBytes;
    this.#source = source;
    this.#metadata = new CachedSource(source, CACHE);
    this.#table = table;
    this.#place = place;
  }

  /** Content of files. It is read once, so it passes the cache by. */
  read(offset: number, length: number): Uint8Array {
    checkRange(this, offset, length, { format: this.#table.format });
    return this.#source.read(offset, length);
  }

  /** A small piece of a folder or table, through the cache. */
  metadata(offset: number, length: number): Uint8Array {
    checkRange(this, offset, length, { format: this.#table.format });
    return this.#metadata.read(offset, length);
  }

  /** What folders are made of, slot by slot. */
  *slots(runs: readonly ByteRun[]): Generator<Slot> {
    for (const run of runs) {
      for (let within = 0; within < run.length; within += PIECE_BYTES) {
        const start = run.offset + within;
        const piece = this.metadata(start, Math.min(PIECE_BYTES, run.length - within));
        for (let at = 0; at + SLOT_BYTES <= piece.length; at += SLOT_BYTES) {
          yield { bytes: piece.subarray(at, at + SLOT_BYTES), offset: start + at };
        }
      }
    }
  }

  /** Where the clusters of a chain are. `entry` is the place of what names the first of them. */
  chain(first: number, mostClusters: number, entry: number): readonly ByteRun[] {
    this.#checkCluster(first, 1, entry);
    return readChain(this.#table, first, mostClusters).map((run) => this.#placeOf(run));
  }

  /** Where clusters are that lie in one row. */
  row(first: number, count: number, entry: number): ByteRun {
    this.#checkCluster(first, count, entry);
    return this.#placeOf({ cluster: first, count });
  }

  /** Where clusters are that are known to exist. */
  *places(runs: Iterable<ClusterRun>): Generator<ByteRun> {
    for (const run of runs) yield this.#placeOf(run);
  }

  /** @throws DiskError `corrupt` when the runs reach past the end of the image */
  checkPresent(runs: readonly ByteRun[]): void {
    for (const { offset, length } of runs) checkRange(this, offset, length, { format: this.#table.format });
  }

  #checkCluster(first: number, count: number, offset: number): void {
    const last = this.#place.clusterCount + FIRST_CLUSTER - 1;
    if (first >= FIRST_CLUSTER && first + count - 1 <= last) return;
    const what = count === 1 ? `cluster ${hex(first)}` : `${count} clusters from ${hex(first)}`;
    const { format } = this.#table;
    throw new DiskError('corrupt', `Cannot read ${what}: expected 0x2 to ${hex(last)}`, { format, offset });
  }

  #placeOf({ cluster, count }: ClusterRun): ByteRun {
    const { dataOffset, clusterBytes } = this.#place;
    return { offset: dataOffset + (cluster - FIRST_CLUSTER) * clusterBytes, length: count * clusterBytes };
  }
}

export function totalBytes(runs: readonly ByteRun[]): number {
  return runs.reduce((total, { length }) => total + length, 0);
}
