import type { ByteSource } from '../../source/byte-source.ts';
import { MemorySource } from '../../source/memory-source.ts';
import { ClusterHeap, totalBytes } from '../cluster-heap.ts';
import { type ByteRun, RunContent } from '../run-content.ts';
import { type Geometry, readBootSector } from './boot-sector.ts';
import { corrupt } from './corrupt.ts';
import { MAX_FOLDER_BYTES } from './layout.ts';
import { ExfatTable } from './table.ts';
import { ValidContent } from './valid-content.ts';

/** What an entry says of where its content is. */
export interface Allocation {
  readonly cluster: number;
  readonly sizeBytes: number;
  /** How much of it was ever written. */
  readonly validBytes: number;
  /** All clusters lie in one row, which the table knows nothing of. */
  readonly isRow: boolean;
  /** Where on the volume this is said. */
  readonly offset: number;
}

/** An exFAT volume: its table, and the clusters that folders and files are made of. */
export class ExfatVolume {
  readonly geometry: Geometry;
  readonly heap: ClusterHeap;

  constructor(source: ByteSource) {
    this.geometry = readBootSector(source);
    this.heap = new ClusterHeap(source, new ExfatTable(source, this.geometry), this.geometry);
  }

  /** Where the content of the root is: as many clusters as its chain has. */
  rootRuns(): readonly ByteRun[] {
    return this.#present(this.#folderChain(this.geometry.rootCluster, 0));
  }

  /** Where the content of a folder is, all of it in the image. */
  folderRuns(allocation: Allocation): readonly ByteRun[] {
    const { sizeBytes, offset } = allocation;
    if (sizeBytes > MAX_FOLDER_BYTES) {
      throw corrupt(`Cannot read folder: it has ${sizeBytes} bytes, expected at most ${MAX_FOLDER_BYTES}`, offset);
    }
    return this.#present(trim(this.#runs(allocation), sizeBytes));
  }

  /** The content of a file or table. */
  content(allocation: Allocation): ByteSource {
    const { sizeBytes, validBytes } = allocation;
    if (sizeBytes === 0) return new MemorySource(new Uint8Array());
    return new ValidContent(new RunContent(this.heap, this.#runs(allocation), validBytes), sizeBytes);
  }

  #runs(allocation: Allocation): readonly ByteRun[] {
    const { cluster, sizeBytes, isRow, offset } = allocation;
    if (sizeBytes === 0) return [];
    const { clusterBytes, clusterCount } = this.geometry;
    if (isRow) return [this.heap.row(cluster, Math.ceil(sizeBytes / clusterBytes), offset)];
    const runs = this.heap.chain(cluster, clusterCount, offset);
    if (totalBytes(runs) >= sizeBytes) return runs;
    const state = `there are ${sizeBytes} bytes, the chain ends after ${totalBytes(runs)}`;
    throw corrupt(`Cannot read clusters from ${cluster}: ${state}`, offset);
  }

  #folderChain(cluster: number, offset: number): readonly ByteRun[] {
    return this.heap.chain(cluster, Math.ceil(MAX_FOLDER_BYTES / this.geometry.clusterBytes), offset);
  }

  #present(runs: readonly ByteRun[]): readonly ByteRun[] {
    this.heap.checkPresent(runs);
    return runs;
  }
}

/** The runs as far as `sizeBytes`. */
function trim(runs: readonly ByteRun[], sizeBytes: number): ByteRun[] {
  const trimmed: ByteRun[] = [];
  let rest = sizeBytes;
  for (const { offset, length } of runs) {
    if (rest <= 0) break;
    trimmed.push({ offset, length: Math.min(length, rest) });
    rest -= length;
  }
  return trimmed;
}
