import { readFields } from '../../fields.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { ClusterHeap, totalBytes } from '../cluster-heap.ts';
import { type ByteRun, RunContent } from '../run-content.ts';
import { type Geometry, readBootSector } from './boot-sector.ts';
import { corrupt } from './corrupt.ts';
import { FSINFO, FSINFO_SIGNATURE1, FSINFO_SIGNATURE2, FSINFO_SIZE } from './layout.ts';
import { FatTable } from './table.ts';

/** Eight times what FAT allows a folder: what is larger was made to keep a reader busy. */
const MAX_FOLDER_BYTES = 16 * 1024 * 1024;

/** A FAT volume: its table, and the clusters that folders and files are made of. */
export class FatVolume {
  readonly geometry: Geometry;
  readonly table: FatTable;
  readonly heap: ClusterHeap;

  constructor(source: ByteSource) {
    this.geometry = readBootSector(source);
    this.table = new FatTable(source, this.geometry);
    this.heap = new ClusterHeap(source, this.table, this.geometry);
  }

  /** Where the content of a folder is, all of it in the image. `entry` is the place of what names the cluster. */
  folderRuns(cluster: number, entry: number): readonly ByteRun[] {
    const runs = this.heap.chain(cluster, Math.ceil(MAX_FOLDER_BYTES / this.geometry.clusterBytes), entry);
    this.heap.checkPresent(runs);
    return runs;
  }

  /** The content of a file, whose chain may be longer than it needs but not shorter. */
  file(cluster: number, sizeBytes: number, entry: number): ByteSource {
    const runs = sizeBytes === 0 ? [] : this.heap.chain(cluster, this.geometry.clusterCount, entry);
    if (totalBytes(runs) >= sizeBytes) return new RunContent(this.heap, runs, sizeBytes);
    const state = `it has ${sizeBytes} bytes, its chain ends after ${totalBytes(runs)}`;
    throw corrupt(`Cannot open file at cluster ${cluster}: ${state}`, entry);
  }

  /** As the volume itself keeps it, when it does. */
  get recordedFreeClusters(): number | undefined {
    const { infoOffset, clusterCount } = this.geometry;
    if (infoOffset === undefined || infoOffset + FSINFO_SIZE > this.heap.sizeBytes) return undefined;
    const info = readFields(this.heap.metadata(infoOffset, FSINFO_SIZE), FSINFO);
    const isInfo = info.signature1 === FSINFO_SIGNATURE1 && info.signature2 === FSINFO_SIGNATURE2;
    return isInfo && info.free_clusters <= clusterCount ? info.free_clusters : undefined;
  }
}
