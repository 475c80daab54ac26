import { Lru } from '../../lru.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import type { ClusterTable } from '../cluster-chain.ts';
import type { Geometry } from './boot-sector.ts';
import { corrupt } from './corrupt.ts';
import { CHAIN_END, type FatBits, FIRST_CLUSTER } from './layout.ts';

// the whole of a table with 12 bits, whose entries may cross any other border
const PAGE_BYTES = 16 * 1024;
const KEPT_BYTES = 4 * 1024 * 1024;

interface Page {
  readonly index: number;
  readonly view: DataView;
}

/** The file allocation table: which cluster follows which, read in pages as far as it is asked. */
export class FatTable implements ClusterTable {
  readonly format = 'vfat';
  readonly #source: ByteSource;
  readonly #geometry: Geometry;
  readonly #pages = new Lru<number, Page>(KEPT_BYTES, () => PAGE_BYTES);
  /** The page last used: a chain rarely leaves it. */
  #page: Page | undefined;

  constructor(source: ByteSource, geometry: Geometry) {
    this.#source = source;
    this.#geometry = geometry;
  }

  next(cluster: number): number | undefined {
    const value = this.valueOf(cluster);
    if (value >= CHAIN_END[this.#geometry.bits]) return undefined;
    if (this.holds(value)) return value;
    const state = value === 0 ? 'the chain leads to a free cluster' : `its next is ${value}`;
    const expected = `expected ${FIRST_CLUSTER} to ${this.#geometry.clusterCount + 1}`;
    throw corrupt(`Cannot follow cluster ${cluster}: ${state}, ${expected}`, this.offsetOf(cluster));
  }

  holds(cluster: number): boolean {
    return cluster >= FIRST_CLUSTER && cluster < this.#geometry.clusterCount + FIRST_CLUSTER;
  }

  /** The entry of a cluster that is in the table, or one of the two before. */
  valueOf(cluster: number): number {
    const within = this.#positionOf(cluster);
    const index = Math.floor(within / PAGE_BYTES);
    const { view } = this.#page?.index === index ? this.#page : this.#load(index);
    return READERS[this.#geometry.bits](view, within - index * PAGE_BYTES, cluster);
  }

  offsetOf(cluster: number): number {
    return this.#geometry.table.offset + this.#positionOf(cluster);
  }

  countFree(): number {
    let free = 0;
    const end = this.#geometry.clusterCount + FIRST_CLUSTER;
    for (let cluster = FIRST_CLUSTER; cluster < end; cluster++) if (this.valueOf(cluster) === 0) free += 1;
    return free;
  }

  #positionOf(cluster: number): number {
    return Math.floor((cluster * this.#geometry.bits) / 8);
  }

  #load(index: number): Page {
    this.#page = this.#pages.get(index) ?? this.#read(index);
    return this.#page;
  }

  #read(index: number): Page {
    const { table } = this.#geometry;
    const start = index * PAGE_BYTES;
    const bytes = this.#source.read(table.offset + start, Math.min(PAGE_BYTES, table.length - start));
    const page = { index, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) };
    this.#pages.set(index, page);
    return page;
  }
}

const READERS: Readonly<Record<FatBits, (view: DataView, position: number, cluster: number) => number>> = {
  // two entries in three bytes: the low 12 bits of a word, or the high ones
  12: (view, position, cluster) =>
    cluster % 2 === 0 ? view.getUint16(position, true) & 0xfff : view.getUint16(position, true) >> 4,
  16: (view, position) => view.getUint16(position, true),
  // the high four bits are reserved
  32: (view, position) => view.getUint32(position, true) & 0x0fffffff,
};
