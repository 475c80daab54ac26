import type { ByteSource } from '../../source/byte-source.ts';
import type { ClusterTable } from '../cluster-chain.ts';
import { FIRST_CLUSTER } from '../cluster-heap.ts';
import { TablePages } from '../table-pages.ts';
import type { Geometry } from './boot-sector.ts';
import { corrupt } from './corrupt.ts';
import { BAD_CLUSTER, TABLE_ENTRY_SIZE } from './layout.ts';

/** The file allocation table: which cluster follows which. What is in one row may not be in it. */
export class ExfatTable implements ClusterTable {
  readonly format = 'exfat';
  readonly #pages: TablePages;
  readonly #geometry: Geometry;

  constructor(source: ByteSource, geometry: Geometry) {
    this.#pages = new TablePages(source, geometry.table);
    this.#geometry = geometry;
  }

  next(cluster: number): number | undefined {
    const value = this.#pages.u32(cluster * TABLE_ENTRY_SIZE);
    if (value > BAD_CLUSTER) return undefined;
    const last = this.#geometry.clusterCount + FIRST_CLUSTER - 1;
    if (value >= FIRST_CLUSTER && value <= last) return value;
    const state = `${describe(value)}, expected ${FIRST_CLUSTER} to ${last}`;
    throw corrupt(`Cannot follow cluster ${cluster}: ${state}`, this.offsetOf(cluster));
  }

  offsetOf(cluster: number): number {
    return this.#geometry.table.offset + cluster * TABLE_ENTRY_SIZE;
  }
}

function describe(value: number): string {
  if (value === 0) return 'the chain leads to a free cluster';
  return value === BAD_CLUSTER ? 'the chain leads to a bad cluster' : `its next is ${value}`;
}
