import { readFields } from '../../fields.ts';
import { corrupt } from './error.ts';
import {
  ADVISE,
  BLOCK_COUNT_FLAG,
  FULL_INDEX,
  FULL_INDEX_PADDING,
  FULL_INDEX_SIZE,
  LCLUSTER_TYPE,
  MAP_HEADER_SIZE,
} from './layout.ts';
import type { ErofsVolume } from './volume.ts';

/** What the index says of a logical cluster: a unit of the content. */
export type ClusterEntry =
  /** A packed run of content begins in it, `within` bytes from its start, and is stored from a block on. */
  | { readonly isHead: true; readonly type: number; readonly within: number; readonly block: number }
  /** It is all part of a run that began in an earlier one, `distance` clusters back. */
  | { readonly isHead: false; readonly distance: number; readonly blockCount: number | undefined };

export interface ClusterIndex {
  entry(cluster: number): ClusterEntry;
  /** Where the index ends. */
  readonly end: number;
}

interface IndexPlace {
  readonly volume: ErofsVolume;
  /** Of the header in front of the index. */
  readonly headerAt: number;
  readonly clusterBits: number;
  readonly clusterCount: number;
  readonly advise: number;
}

/** An entry of eight bytes for each cluster. */
export class FullIndex implements ClusterIndex {
  readonly end: number;
  readonly #volume: ErofsVolume;
  readonly #start: number;

  constructor({ volume, headerAt, clusterCount }: IndexPlace) {
    this.#volume = volume;
    this.#start = headerAt + MAP_HEADER_SIZE + FULL_INDEX_PADDING;
    this.end = this.#start + clusterCount * FULL_INDEX_SIZE;
  }

  entry(cluster: number): ClusterEntry {
    const at = this.#start + cluster * FULL_INDEX_SIZE;
    const fields = readFields(this.#volume.read(at, FULL_INDEX_SIZE), FULL_INDEX, { format: 'erofs', offset: at });
    const type = fields.di_advise & 3;
    if (type !== LCLUSTER_TYPE.nonhead)
      return { isHead: true, type, within: fields.di_clusterofs, block: fields.blkaddr };
    return continued(fields.delta0);
  }
}

function continued(value: number): ClusterEntry {
  const hasCount = (value & BLOCK_COUNT_FLAG) !== 0;
  if (hasCount) return { isHead: false, distance: 1, blockCount: value & (BLOCK_COUNT_FLAG - 1) };
  return { isHead: false, distance: value, blockCount: undefined };
}

/** Entries that share a block address: two in 8 bytes, or sixteen in 32. */
interface Pack {
  readonly at: number;
  readonly size: number;
  readonly count: number;
  /** Of the entry that is asked for. */
  readonly position: number;
}

const SMALL = { size: 8, count: 2 } as const;
const LARGE = { size: 32, count: 16 } as const;
const ADDRESS_SIZE = 4;
/** What an entry says besides its type has at least so many bits. */
const LEAST_VALUE_BITS = 12;

/** Entries of two or four bytes on average, packed so that large packs lie on boundaries of their size. */
export class CompactIndex implements ClusterIndex {
  readonly end: number;
  readonly #place: IndexPlace;
  readonly #start: number;
  /** How many entries are in small packs before the large ones, and how many in those. */
  readonly #leading: number;
  readonly #large: number;
  readonly #isBig: boolean;

  constructor(place: IndexPlace) {
    const { headerAt, clusterBits, clusterCount, advise } = place;
    this.#place = place;
    this.#start = headerAt + MAP_HEADER_SIZE;
    this.#leading = ((LARGE.size - (this.#start % LARGE.size)) / 4) & 7;
    const hasLarge = (advise & ADVISE.compact2Bytes) !== 0 && this.#leading < clusterCount;
    this.#large = hasLarge ? Math.floor((clusterCount - this.#leading) / LARGE.count) * LARGE.count : 0;
    if (clusterBits > (this.#large > 0 ? 12 : 14)) {
      throw corrupt(`Cannot open file: clusters have 2^${clusterBits} bytes, too many for a compact index`, headerAt);
    }
    this.#isBig = (advise & (ADVISE.bigPclusterHead1 | ADVISE.bigPclusterHead2)) !== 0;
    const last = clusterCount === 0 ? undefined : this.#packOf(clusterCount - 1);
    this.end = last === undefined ? this.#start : last.at + last.size;
  }

  entry(cluster: number): ClusterEntry {
    const pack = this.#packOf(cluster);
    const entries = this.#read(pack);
    const { type, value } = entries[pack.position] as PackedEntry;
    if (type !== LCLUSTER_TYPE.nonhead) {
      return { isHead: true, type, within: value, block: this.#blockOf(pack, entries) };
    }
    if ((value & BLOCK_COUNT_FLAG) !== 0 || pack.position + 1 < pack.count) return continued(value);
    // the last of a pack says how far the next head is, so the one before tells how far the one behind is
    const before = entries[pack.position - 1] as PackedEntry;
    const distance =
      before.type !== LCLUSTER_TYPE.nonhead ? 0 : (before.value & BLOCK_COUNT_FLAG) !== 0 ? 1 : before.value;
    return { isHead: false, distance: distance + 1, blockCount: undefined };
  }

  #packOf(cluster: number): Pack {
    if (cluster < this.#leading) return packIn(this.#start, cluster, SMALL);
    const largeAt = this.#start + this.#leading * 4;
    const inLarge = cluster - this.#leading;
    if (inLarge < this.#large) return packIn(largeAt, inLarge, LARGE);
    return packIn(largeAt + this.#large * 2, inLarge - this.#large, SMALL);
  }

  #read({ at, size, count }: Pack): readonly PackedEntry[] {
    const { volume, clusterBits } = this.#place;
    const bytes = volume.read(at, size);
    const valueBits = Math.max(clusterBits, LEAST_VALUE_BITS);
    const entryBits = ((size - ADDRESS_SIZE) * 8) / count;
    return Array.from({ length: count }, (_, index) => {
      const bits = bitsAt(bytes, index * entryBits);
      return { type: (bits >>> valueBits) & 3, value: bits & (2 ** valueBits - 1) };
    });
  }

  /** The address is that of the first blocks of the pack; those of the heads before the one that is asked for come between. */
  #blockOf({ at, size, position }: Pack, entries: readonly PackedEntry[]): number {
    const bytes = this.#place.volume.read(at + size - ADDRESS_SIZE, ADDRESS_SIZE);
    const { address } = readFields(bytes, { address: [0, 'u32'] });
    const before = entries.slice(0, position);
    // where all clusters are of one block, the address is that of the block before
    if (!this.#isBig) return address + 1 + before.filter(({ type }) => type !== LCLUSTER_TYPE.nonhead).length;
    return address + before.reduce((total, _, index) => total + blocksOf(before, index), 0);
  }
}

interface PackedEntry {
  readonly type: number;
  readonly value: number;
}

function packIn(
  start: number,
  index: number,
  { size, count }: { readonly size: number; readonly count: number },
): Pack {
  // packs lie on boundaries of their size, and the first may begin with its second half
  const entrySize = size / count;
  const at = start + index * entrySize;
  const aligned = Math.floor(at / size) * size;
  return { at: aligned, size, count, position: (at - aligned) / entrySize };
}

function bitsAt(bytes: Uint8Array, bit: number): number {
  const at = bit >>> 3;
  const [first = 0, second = 0, third = 0] = bytes.subarray(at, at + 3);
  return (first | (second << 8) | (third << 16)) >>> (bit & 7);
}

/** How many blocks an entry accounts for: a head for one, unless the entry behind it says how many. */
function blocksOf(entries: readonly PackedEntry[], index: number): number {
  const { type, value } = entries[index] as PackedEntry;
  if (type === LCLUSTER_TYPE.nonhead) return (value & BLOCK_COUNT_FLAG) === 0 ? 0 : value & (BLOCK_COUNT_FLAG - 1);
  const next = entries[index + 1];
  const isCounted = next?.type === LCLUSTER_TYPE.nonhead && (next.value & BLOCK_COUNT_FLAG) !== 0;
  return isCounted ? 0 : 1;
}
