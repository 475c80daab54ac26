import { readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { CachedSource } from '../../source/cached-source.ts';
import { checkRange } from '../../source/range.ts';
import { readChain } from '../cluster-chain.ts';
import { type ByteRun, RunContent } from '../run-content.ts';
import { type Geometry, readBootSector } from './boot-sector.ts';
import { corrupt } from './corrupt.ts';
import { FSINFO, FSINFO_SIGNATURE1, FSINFO_SIGNATURE2, FSINFO_SIZE } from './layout.ts';
import { FatTable } from './table.ts';

const CACHE = { blockBytes: 4096, budgetBytes: 4 * 1024 * 1024 };
/** Eight times what FAT allows a folder: what is larger was made to keep a reader busy. */
const MAX_FOLDER_BYTES = 16 * 1024 * 1024;

/** The clusters of one FAT volume: a range that is asked for is in the image, or the image is cut. */
export class FatVolume implements ByteSource {
  readonly geometry: Geometry;
  readonly table: FatTable;
  readonly sizeBytes: number;
  readonly #source: ByteSource;
  readonly #metadata: CachedSource;

  constructor(source: ByteSource) {
    this.geometry = readBootSector(source);
    this.sizeBytes = source.sizeBytes;
    this.table = new FatTable(source, this.geometry);
    this.#source = source;
    this.#metadata = new CachedSource(source, CACHE);
  }

  /** Content of files. It is read once, so it passes the cache by. */
  read(offset: number, length: number): Uint8Array {
    checkRange(this, offset, length, { format: 'vfat' });
    return this.#source.read(offset, length);
  }

  /** A piece of a folder, through the cache. */
  metadata(offset: number, length: number): Uint8Array {
    checkRange(this, offset, length, { format: 'vfat' });
    return this.#metadata.read(offset, length);
  }

  /** Where the content of a folder is, all of it in the image. `entry` is the place of what names the cluster. */
  folderRuns(cluster: number, entry: number): readonly ByteRun[] {
    const runs = this.#runs(cluster, entry, Math.ceil(MAX_FOLDER_BYTES / this.geometry.clusterBytes));
    for (const { offset, length } of runs) checkRange(this, offset, length, { format: 'vfat' });
    return runs;
  }

  /** The content of a file, whose chain may be longer than it needs but not shorter. */
  file(cluster: number, sizeBytes: number, entry: number): ByteSource {
    const runs = sizeBytes === 0 ? [] : this.#runs(cluster, entry, this.geometry.clusterCount);
    const chainBytes = runs.reduce((total, { length }) => total + length, 0);
    if (chainBytes >= sizeBytes) return new RunContent(this, runs, sizeBytes);
    const message = `Cannot open file at cluster ${cluster}: it has ${sizeBytes} bytes, its chain ends after ${chainBytes}`;
    throw corrupt(message, entry);
  }

  /** As the volume itself keeps it, when it does. */
  get recordedFreeClusters(): number | undefined {
    const { infoOffset, clusterCount } = this.geometry;
    if (infoOffset === undefined || infoOffset + FSINFO_SIZE > this.sizeBytes) return undefined;
    const info = readFields(this.metadata(infoOffset, FSINFO_SIZE), FSINFO);
    const isInfo = info.signature1 === FSINFO_SIGNATURE1 && info.signature2 === FSINFO_SIGNATURE2;
    return isInfo && info.free_clusters <= clusterCount ? info.free_clusters : undefined;
  }

  #runs(cluster: number, entry: number, mostClusters: number): readonly ByteRun[] {
    const { clusterBytes, clusterCount } = this.geometry;
    if (!this.table.holds(cluster)) {
      throw corrupt(`Cannot read cluster ${hex(cluster)}: expected 0x2 to ${hex(clusterCount + 1)}`, entry);
    }
    const runs = readChain(this.table, cluster, mostClusters);
    return runs.map((run) => ({ offset: this.#offsetOf(run.cluster), length: run.count * clusterBytes }));
  }

  #offsetOf(cluster: number): number {
    return this.geometry.dataOffset + (cluster - 2) * this.geometry.clusterBytes;
  }
}
