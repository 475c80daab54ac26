import type { ByteSource } from '../../source/byte-source.ts';
import type { ClusterRun, ClusterTable } from '../cluster-chain.ts';
import { FIRST_CLUSTER } from '../cluster-heap.ts';
import { TablePages } from '../table-pages.ts';
import type { Geometry } from './boot-sector.ts';
import { corrupt } from './corrupt.ts';
import { CHAIN_END, type FatBits } from './layout.ts';

/** The file allocation table: which cluster follows which. */
export class FatTable implements ClusterTable {
  readonly format = 'vfat';
  readonly #pages: TablePages;
  readonly #geometry: Geometry;

  constructor(source: ByteSource, geometry: Geometry) {
    this.#pages = new TablePages(source, geometry.table);
    this.#geometry = geometry;
  }

  next(cluster: number): number | undefined {
    const { bits, clusterCount } = this.#geometry;
    const value = this.valueOf(cluster);
    if (value >= CHAIN_END[bits]) return undefined;
    if (value >= FIRST_CLUSTER && value < clusterCount + FIRST_CLUSTER) return value;
    const state = value === 0 ? 'the chain leads to a free cluster' : `its next is ${value}`;
    const expected = `expected ${FIRST_CLUSTER} to ${clusterCount + 1}`;
    throw corrupt(`Cannot follow cluster ${cluster}: ${state}, ${expected}`, this.offsetOf(cluster));
  }

  /** The entry of a cluster that is in the table, or one of the two before. */
  valueOf(cluster: number): number {
    return READERS[this.#geometry.bits](this.#pages, this.#positionOf(cluster), cluster);
  }

  offsetOf(cluster: number): number {
    return this.#geometry.table.offset + this.#positionOf(cluster);
  }

  countFree(): number {
    let free = 0;
    for (const { count } of this.freeRuns()) free += count;
    return free;
  }

  /** The clusters that nothing is kept in, in rows. */
  *freeRuns(): Generator<ClusterRun> {
    const end = this.#geometry.clusterCount + FIRST_CLUSTER;
    let first: number | undefined;
    for (let cluster = FIRST_CLUSTER; cluster < end; cluster++) {
      if (this.valueOf(cluster) === 0) {
        first ??= cluster;
      } else if (first !== undefined) {
        yield { cluster: first, count: cluster - first };
        first = undefined;
      }
    }
    if (first !== undefined) yield { cluster: first, count: end - first };
  }

  #positionOf(cluster: number): number {
    return Math.floor((cluster * this.#geometry.bits) / 8);
  }
}

const READERS: Readonly<Record<FatBits, (pages: TablePages, position: number, cluster: number) => number>> = {
  // two entries in three bytes: the low 12 bits of a word, or the high ones
  12: (pages, position, cluster) => (cluster % 2 === 0 ? pages.u16(position) & 0xfff : pages.u16(position) >> 4),
  16: (pages, position) => pages.u16(position),
  // the high four bits are reserved
  32: (pages, position) => pages.u32(position) & 0x0fffffff,
};
