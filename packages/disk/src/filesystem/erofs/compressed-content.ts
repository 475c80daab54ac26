import { decompressLz4 } from '../../compression/lz4.ts';
import { readFields } from '../../fields.ts';
import { Lru } from '../../lru.ts';
import type { MappedSource } from '../../source/extent.ts';
import { type Piece, PieceSource } from '../../source/piece-source.ts';
import { type ClusterEntry, type ClusterIndex, CompactIndex, FullIndex } from './cluster-index.ts';
import { corrupt, unsupported } from './error.ts';
import type { Inode } from './inode.ts';
import {
  ADVISE,
  ADVISE_KNOWN,
  ALGORITHMS,
  CLUSTER_BITS,
  FRAGMENT_INODE,
  LARGEST_EXTENT,
  LARGEST_PCLUSTER,
  LCLUSTER_TYPE,
  MAP_HEADER,
  MAP_HEADER_SIZE,
} from './layout.ts';
import type { ErofsVolume } from './volume.ts';

const KEPT_BYTES = 2 * 2 ** 20;
const KEPT_EXTENTS = 64;

/** How a file is packed. */
interface Packing {
  readonly volume: ErofsVolume;
  readonly index: ClusterIndex;
  readonly clusterBits: number;
  readonly clusterCount: number;
  readonly sizeBytes: number;
  readonly advise: number;
  /** Names of the algorithms of the two types of heads. */
  readonly algorithms: readonly [string, string];
  /** Of the last extent, when it is kept behind the index. */
  readonly inlineLength: number;
  /** Of the inode, for errors. */
  readonly at: number;
}

/** The content of a file that is packed. */
export function openCompressed(volume: ErofsVolume, inode: Inode): MappedSource {
  const { sizeBytes } = inode.stat;
  if (sizeBytes === 0) return new PieceSource(0, () => ({ kind: 'absent', length: 1 }));
  const content = new CompressedContent(readPacking(volume, inode));
  return new PieceSource(sizeBytes, (offset) => content.pieceAt(offset));
}

function readPacking(volume: ErofsVolume, { tailAt, stat, layout, at }: Inode): Packing {
  const headerAt = Math.ceil(tailAt / 8) * 8;
  const fields = readFields(volume.read(headerAt, MAP_HEADER_SIZE), MAP_HEADER, { format: 'erofs', offset: headerAt });
  const { h_advise: advise, h_clusterbits, h_algorithmtype, h_idata_size } = fields;
  const isFragment = (h_clusterbits & FRAGMENT_INODE) !== 0 || (advise & ADVISE.fragmentPcluster) !== 0;
  // what several files share may unpack to more than each of them has
  if (isFragment || volume.superblock.hasFragments) {
    throw unsupported(`Cannot open inode ${stat.inode}: it is packed with fragments or without duplicates`, headerAt);
  }
  if ((advise & ~ADVISE_KNOWN) !== 0)
    throw unsupported(`Cannot open inode ${stat.inode}: its packing is ${advise}`, headerAt);
  const clusterBits = volume.superblock.blockBits + (h_clusterbits & CLUSTER_BITS);
  const clusterCount = Math.ceil(stat.sizeBytes / 2 ** clusterBits);
  const place = { volume, headerAt, clusterBits, clusterCount, advise };
  return {
    ...{ volume, clusterBits, clusterCount, advise, at },
    index: layout === 'full' ? new FullIndex(place) : new CompactIndex(place),
    sizeBytes: stat.sizeBytes,
    algorithms: [algorithmOf(h_algorithmtype & 15), algorithmOf(h_algorithmtype >>> 4)],
    inlineLength: (advise & ADVISE.inlinePcluster) === 0 ? 0 : h_idata_size,
  };
}

function algorithmOf(number: number): string {
  return ALGORITHMS[number] ?? `${number}`;
}

type Head = ClusterEntry & { readonly isHead: true };

/** A run of content that is packed as one. */
interface PackedExtent {
  readonly start: number;
  readonly length: number;
  readonly head: Head;
  readonly storedAt: number;
  readonly storedLength: number;
}

class CompressedContent {
  readonly #packing: Packing;
  readonly #unpacked = new Lru<number, Uint8Array>(KEPT_BYTES, ({ length }) => length);
  readonly #extents = new Lru<number, PackedExtent>(KEPT_EXTENTS, () => 1);
  #last: PackedExtent | undefined;

  constructor(packing: Packing) {
    this.#packing = packing;
  }

  pieceAt(offset: number): Piece {
    const extent = this.#extentAt(offset);
    const within = offset - extent.start;
    const compute = (count: number) => this.#unpack(extent).subarray(within, within + count);
    return { kind: 'computed', length: extent.length - within, compute };
  }

  #extentAt(offset: number): PackedExtent {
    const last = this.#last;
    if (last !== undefined && offset >= last.start && offset < last.start + last.length) return last;
    const { cluster, head } = this.#headOf(offset);
    const known = this.#extents.get(cluster) ?? this.#measure(cluster, head);
    this.#extents.set(cluster, known);
    this.#last = known;
    if (offset < known.start + known.length) return known;
    throw corrupt(`Cannot read packed file: nothing holds offset ${offset}`, this.#packing.at);
  }

  /** The cluster in which the run that holds an offset begins. */
  #headOf(offset: number): { readonly cluster: number; readonly head: Head } {
    const { index, clusterBits, at } = this.#packing;
    const clusterSize = 2 ** clusterBits;
    let cluster = Math.floor(offset / clusterSize);
    const first = index.entry(cluster);
    // one run may end, and the next begin, in one cluster
    if (first.isHead && first.within > offset % clusterSize) cluster -= 1;
    const most = Math.ceil(LARGEST_EXTENT / clusterSize) + 2;
    for (let steps = 0; steps < most && cluster >= 0; steps++) {
      const entry = index.entry(cluster);
      if (entry.isHead) return { cluster, head: entry };
      if (entry.distance === 0) break;
      cluster -= entry.distance;
    }
    throw corrupt(`Cannot read packed file: the run at offset ${offset} has no beginning`, at);
  }

  #measure(cluster: number, head: Head): PackedExtent {
    const { index, clusterBits, clusterCount, sizeBytes, volume, inlineLength, at } = this.#packing;
    const clusterSize = 2 ** clusterBits;
    const start = cluster * clusterSize + head.within;
    const end = this.#endAfter(cluster);
    if (head.within >= clusterSize || end <= start || end - start > LARGEST_EXTENT) {
      throw corrupt(`Cannot read packed file: a run lies from ${start} to ${end}`, at);
    }
    const extent = { start, length: end - start, head };
    if (inlineLength > 0 && end === sizeBytes) {
      return { ...extent, storedAt: index.end, storedLength: inlineLength };
    }
    const next = cluster + 1 < clusterCount ? index.entry(cluster + 1) : undefined;
    const storedLength = this.#storedBytes(head, next);
    return { ...extent, storedAt: head.block * volume.superblock.blockSize, storedLength };
  }

  /** Where the next run begins. */
  #endAfter(cluster: number): number {
    const { index, clusterBits, clusterCount, sizeBytes, at } = this.#packing;
    const clusterSize = 2 ** clusterBits;
    const most = Math.ceil(LARGEST_EXTENT / clusterSize) + 2;
    for (let next = cluster + 1; next < clusterCount; next++) {
      if (next - cluster > most)
        throw corrupt(`Cannot read packed file: the run in cluster ${cluster} is too long`, at);
      const entry = index.entry(next);
      if (entry.isHead) return Math.min(next * clusterSize + entry.within, sizeBytes);
    }
    return sizeBytes;
  }

  /** A cluster, unless the entry behind the head says how many blocks. */
  #storedBytes(head: Head, next: ClusterEntry | undefined): number {
    const { advise, clusterBits, volume, at } = this.#packing;
    const flag = head.type === LCLUSTER_TYPE.head2 ? ADVISE.bigPclusterHead2 : ADVISE.bigPclusterHead1;
    if ((advise & flag) === 0 || next === undefined || next.isHead) return 2 ** clusterBits;
    const length = (next.blockCount ?? 0) * volume.superblock.blockSize;
    if (length > 0 && length <= LARGEST_PCLUSTER) return length;
    throw corrupt(`Cannot read packed file: a run is stored in ${next.blockCount ?? 'no'} blocks`, at);
  }

  #unpack(extent: PackedExtent): Uint8Array {
    const known = this.#unpacked.get(extent.start);
    if (known !== undefined) return known;
    const stored = this.#packing.volume.read(extent.storedAt, extent.storedLength);
    const bytes = extent.head.type === LCLUSTER_TYPE.plain ? this.#plain(stored, extent) : this.#lz4(stored, extent);
    this.#unpacked.set(extent.start, bytes);
    return bytes;
  }

  /** Not packed, because that gained nothing. Interlaced content stands where it would stand in a block of the file. */
  #plain(stored: Uint8Array, { start, length, storedAt }: PackedExtent): Uint8Array {
    if (length > stored.length) throw corrupt(`Cannot read file: ${length} bytes are in ${stored.length}`, storedAt);
    if ((this.#packing.advise & ADVISE.interlacedPcluster) === 0) return stored.subarray(0, length);
    const shift = start % this.#packing.volume.superblock.blockSize;
    return Uint8Array.from({ length }, (_, index) => stored[(shift + index) % stored.length] as number);
  }

  #lz4(stored: Uint8Array, { length, head, storedAt }: PackedExtent): Uint8Array {
    const algorithm = this.#packing.algorithms[head.type === LCLUSTER_TYPE.head2 ? 1 : 0];
    if (algorithm !== 'lz4')
      throw unsupported(`Cannot read file: it is packed by ${algorithm}, expected lz4`, storedAt);
    const { hasZeroPadding } = this.#packing.volume.superblock;
    const input = hasZeroPadding ? stored.subarray(leadingZeros(stored)) : stored;
    const output = new Uint8Array(length);
    const written = decompress(input, output, { stopsWhenFull: !hasZeroPadding, at: storedAt });
    if (written === length) return output;
    throw corrupt(`Cannot read file: packed content has ${written} bytes, expected ${length}`, storedAt);
  }
}

interface Placed {
  readonly stopsWhenFull: boolean;
  readonly at: number;
}

function leadingZeros(bytes: Uint8Array): number {
  const first = bytes.findIndex((byte) => byte !== 0);
  return first === -1 ? bytes.length : first;
}

function decompress(input: Uint8Array, output: Uint8Array, { stopsWhenFull, at }: Placed): number {
  try {
    // before there was padding in front, what was packed might go on behind what is asked for
    return decompressLz4(input, output, { stopsWhenFull });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw corrupt(`Cannot read file: lz4 says "${error.message}"`, at);
  }
}
