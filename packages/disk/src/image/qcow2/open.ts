import { DiskError } from '../../error.ts';
import { lazy } from '../../lazy.ts';
import { Lru } from '../../lru.ts';
import { quote } from '../../quote.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { joinExtents } from '../../source/extent.ts';
import { checkRange } from '../../source/range.ts';
import { readBuffer } from '../../source/read-buffer.ts';
import { readIntoUpToEnd } from '../../source/read-into.ts';
import { overlayExtents } from '../extents.ts';
import type { DiskImage, Extent, ImageContext, ImageFacts } from '../image.ts';
import { checkReferenceName } from '../reference-name.ts';
import { ClusterMap, type CompressedRun, type Run } from './cluster-map.ts';
import { corrupt } from './error.ts';
import { qcow2Facts } from './facts.ts';
import { type Qcow2Header, readQcow2Header } from './header.ts';
import { checkRefcountTable } from './refcounts.ts';
import { headerOfSnapshot } from './snapshots.ts';

const decryption = lazy<typeof import('./decrypted-clusters.ts')>(import.meta, './decrypted-clusters.ts');
const decompression = lazy<typeof import('./decompress.ts')>(import.meta, './decompress.ts');

export function openQcow2(source: ByteSource, context: ImageContext): DiskImage {
  const current = readQcow2Header(source);
  checkRefcountTable(source, current);
  const { snapshot } = context;
  const header = snapshot === undefined ? current : headerOfSnapshot(source, current, snapshot);
  const stored = openDataFile(header, context) ?? source;
  const data = header.isEncrypted
    ? decryption().decryptClusters({ source, data: stored, header }, context.unlocking)
    : stored;
  const backing = openBackingFile(header, context);
  return new Qcow2Image({ source, header, data, backing });
}

function openDataFile({ features, extensions }: Qcow2Header, context: ImageContext): ByteSource | undefined {
  if (!features.dataFile) return undefined;
  const name = extensions.dataFile;
  if (name === undefined) throw corrupt('header', 'clusters are in an external data file that has no name', 72);
  checkReferenceName(name);
  return context.references.open(name, context.depth);
}

function openBackingFile({ backingFile, extensions }: Qcow2Header, context: ImageContext): DiskImage | undefined {
  if (backingFile === undefined) return undefined;
  // to probe would let whoever wrote into a raw backing file choose how it is read (CVE-2026-24708)
  if (extensions.backingFormat === undefined) {
    const message = `Cannot open backing file ${quote(backingFile)}: the overlay does not say its format, expected it to`;
    throw new DiskError('denied', message, { format: 'qcow2' });
  }
  return context.openReference(backingFile, extensions.backingFormat);
}

interface Qcow2Parts {
  readonly source: ByteSource;
  readonly header: Qcow2Header;
  /** Where clusters are: the image itself, or its external data file. */
  readonly data: ByteSource;
  readonly backing: DiskImage | undefined;
}

/** Of clusters that were read in part, or decompressed ahead. */
const DECOMPRESSED_CACHE_BYTES = 8 * 2 ** 20;
/** Ahead of a read: two of these are kept at once, one to be read from and one to come. */
const AHEAD_BYTES = DECOMPRESSED_CACHE_BYTES / 2;
/** What one thread decompresses at a time: enough for handing it over to cost little, and little enough for several threads to have some. */
const PORTION_BYTES = 512 * 1024;

class Qcow2Image implements DiskImage {
  readonly sizeBytes: number;
  readonly facts: ImageFacts;
  readonly #header: Qcow2Header;
  readonly #data: ByteSource;
  readonly #backing: DiskImage | undefined;
  readonly #clusters: ClusterMap;
  readonly #decompressed = new Lru<number, Uint8Array>(DECOMPRESSED_CACHE_BYTES, (cluster) => cluster.length);
  /** Clusters that are being decompressed ahead, by where they are stored: two ranges may want the one at their border. */
  readonly #coming = new Map<number, Promise<void>>();

  constructor({ source, header, data, backing }: Qcow2Parts) {
    this.sizeBytes = header.virtualSize;
    this.facts = qcow2Facts(source, header, backing);
    this.#header = header;
    this.#data = data;
    this.#backing = backing;
    this.#clusters = new ClusterMap(source, header, data);
  }

  read(offset: number, length: number): Uint8Array {
    checkRange(this, offset, length, { format: 'qcow2' });
    if (length === 0) return new Uint8Array(0);
    const first = this.#clusters.locate(offset, length);
    if (first.kind === 'data' && first.length === length && first.host + length <= this.#data.sizeBytes) {
      return this.#data.read(first.host, length);
    }
    const bytes = readBuffer(length);
    this.#fill(bytes, first, offset);
    return bytes;
  }

  readInto(offset: number, target: Uint8Array): void {
    checkRange(this, offset, target.length, { format: 'qcow2' });
    if (target.length > 0) this.#fill(target, this.#clusters.locate(offset, target.length), offset);
  }

  async prepare(offset: number, length: number): Promise<void> {
    const end = Math.min(offset + Math.min(length, AHEAD_BYTES), this.sizeBytes);
    const works: (Promise<void> | undefined)[] = [];
    const compressed: CompressedRun[] = [];
    try {
      for (let at = offset; at < end; ) {
        const run = this.#clusters.locate(at, end - at);
        if (run.kind === 'compressed') compressed.push(run);
        else if (run.kind === 'absent') works.push(this.#backing?.prepare?.(at, run.length));
        at += run.length;
      }
    } catch {
      // the read comes to the same place, and says so
    }
    // what fails here fails for the read too
    await Promise.allSettled([...works, ...this.#decompressAhead(compressed)]);
  }

  extents(from = 0, to = this.sizeBytes): Iterable<Extent> {
    const own = this.#ownExtents(from, to);
    return joinExtents(this.#backing === undefined ? own : overlayExtents(own, this.#backing, { from, to }));
  }

  *#ownExtents(from: number, to: number): Iterable<Extent> {
    for (let offset = from; offset < to; ) {
      const { kind, length } = this.#clusters.locate(offset, to - offset);
      yield { offset, length, kind: kind === 'compressed' ? 'data' : kind };
      offset += length;
    }
  }

  #fill(target: Uint8Array, first: Run, offset: number): void {
    let run = first;
    for (let done = 0; ; ) {
      this.#readRun(run, offset + done, target.subarray(done, done + run.length));
      done += run.length;
      if (done === target.length) return;
      run = this.#clusters.locate(offset + done, target.length - done);
    }
  }

  /** What is past the end of a shorter backing file, or of a last cluster that was not filled, is zero. */
  #readRun(run: Run, offset: number, target: Uint8Array): void {
    if (run.kind === 'data') readIntoUpToEnd(this.#data, run.host, target);
    else if (run.kind === 'compressed') target.set(this.#decompress(run).subarray(run.within, run.within + run.length));
    else if (run.kind === 'absent' && this.#backing !== undefined) readIntoUpToEnd(this.#backing, offset, target);
    else target.fill(0);
  }

  #decompress(run: CompressedRun): Uint8Array {
    const { host, length } = run;
    const known = this.#decompressed.get(host);
    if (known !== undefined) return known;
    const { compressionType, clusterSize } = this.#header;
    const cluster = decompression().decompressCluster(compressionType, this.#readStored(run), clusterSize, host);
    // what was read as a whole is not needed for the rest of it
    if (length < cluster.length) this.#decompressed.set(host, cluster);
    return cluster;
  }

  /** What is to be waited for until the clusters are there. */
  #decompressAhead(runs: readonly CompressedRun[]): Promise<void>[] {
    const missing = runs.filter(({ host }) => !this.#coming.has(host) && this.#decompressed.get(host) === undefined);
    const portion = Math.max(1, Math.floor(PORTION_BYTES / this.#header.clusterSize));
    for (let start = 0; start < missing.length; start += portion) {
      const part = missing.slice(start, start + portion);
      const work = this.#decompressPortion(part).finally(() => {
        for (const { host } of part) this.#coming.delete(host);
      });
      for (const { host } of part) this.#coming.set(host, work);
    }
    return runs.flatMap(({ host }) => this.#coming.get(host) ?? []);
  }

  async #decompressPortion(runs: readonly CompressedRun[]): Promise<void> {
    const { compressionType, clusterSize } = this.#header;
    const stored = runs.map((run) => this.#readStored(run));
    const clusters = await decompression().decompressClustersAhead(compressionType, stored, clusterSize);
    runs.forEach(({ host }, index) => {
      const cluster = clusters[index];
      if (cluster !== undefined) this.#decompressed.set(host, cluster);
    });
  }

  /** The count is of whole sectors, and the last one may not be there. */
  #readStored({ host, storedBytes }: CompressedRun): Uint8Array {
    return this.#data.read(host, Math.min(storedBytes, this.#data.sizeBytes - host));
  }
}
