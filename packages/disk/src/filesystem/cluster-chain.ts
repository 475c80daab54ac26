import { DiskError } from '../error.ts';

/** Neighbouring clusters. */
export interface ClusterRun {
  readonly cluster: number;
  readonly count: number;
}

/** The table that says which cluster follows which. */
export interface ClusterTable {
  readonly format: string;
  /** The cluster after one, `undefined` at the end of a chain. @throws DiskError `corrupt` when it leads nowhere */
  next(cluster: number): number | undefined;
  /** Where on the volume the entry of a cluster is. */
  offsetOf(cluster: number): number;
}

/** A file of 4 GiB has this many pieces when every cluster of 4 KiB lies alone. */
const MOST_RUNS = 2 ** 20;

/**
 * The clusters of a chain, from its first to its end. Brent's way of finding a loop: a cluster is remembered, and replaced by a
 * later one whenever the steps since then have doubled.
 * @throws DiskError `corrupt` when the chain is broken, loops, or is longer than `mostClusters`
 */
export function readChain(table: ClusterTable, first: number, mostClusters: number): readonly ClusterRun[] {
  const chain = new Runs(table);
  let remembered = first;
  let steps = 0;
  let limit = 1;
  for (let cluster: number | undefined = first; cluster !== undefined; ) {
    chain.add(cluster);
    if (chain.clusters > mostClusters) throw tooLong(table, first, mostClusters);
    if (steps === limit) {
      remembered = cluster;
      limit *= 2;
      steps = 0;
    }
    const next = table.next(cluster);
    if (next === remembered) throw looping(table, first, cluster);
    cluster = next;
    steps += 1;
  }
  return chain.runs;
}

class Runs {
  readonly runs: { cluster: number; count: number }[] = [];
  clusters = 0;
  readonly #table: ClusterTable;

  constructor(table: ClusterTable) {
    this.#table = table;
  }

  add(cluster: number): void {
    this.clusters += 1;
    const last = this.runs.at(-1);
    if (last !== undefined && cluster === last.cluster + last.count) last.count += 1;
    else this.#begin(cluster);
  }

  #begin(cluster: number): void {
    if (this.runs.length === MOST_RUNS) throw tooManyPieces(this.#table, cluster);
    this.runs.push({ cluster, count: 1 });
  }
}

function looping(table: ClusterTable, first: number, cluster: number): DiskError {
  const message = `Cannot read clusters from ${first}: the chain loops at cluster ${cluster}`;
  return new DiskError('corrupt', message, placeOf(table, cluster));
}

function tooLong(table: ClusterTable, first: number, most: number): DiskError {
  const message = `Cannot read clusters from ${first}: the chain is longer than ${most} clusters`;
  return new DiskError('corrupt', message, placeOf(table, first));
}

function tooManyPieces(table: ClusterTable, cluster: number): DiskError {
  const message = `Cannot read clusters up to ${cluster}: the chain has more than ${MOST_RUNS} pieces`;
  return new DiskError('unsupported', message, placeOf(table, cluster));
}

function placeOf(table: ClusterTable, cluster: number) {
  return { format: table.format, offset: table.offsetOf(cluster) };
}
