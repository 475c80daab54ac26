import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { corrupt } from './error.ts';
import type { Qcow2Header } from './header.ts';
import { OFFSET_HIGH_MASK, OFFSET_LOW_MASK } from './layout.ts';

/** The L1 table after every entry was checked. */
export interface L1Table {
  /** Offset of the L2 table at an index, 0 when there is none. */
  tableAt(index: number): number;
  /** @throws DiskError `corrupt` when a data cluster, named by the L2 entry at `at`, is a table: it would map itself */
  checkNotMetadata(cluster: number, at: number): void;
}

/** Reads at most 32 MiB, and holds as much again in order of offset. */
export function readL1(source: ByteSource, header: Qcow2Header): L1Table {
  const tables = readEntries(source, header);
  const sorted = tables.filter((offset) => offset !== 0).sort();
  checkNoneTwice(sorted, header.l1.offset);
  const regions = fixedRegions(header);
  return {
    tableAt: (index) => tables[index] ?? 0,
    checkNotMetadata(cluster, at) {
      const region = regions.find(({ start, end }) => cluster >= start && cluster < end);
      const what = region?.what ?? (holds(sorted, cluster) ? 'an L2 table' : undefined);
      if (what !== undefined) throw corrupt('L2 entry', `cluster at ${hex(cluster)} is ${what}`, at);
    },
  };
}

interface Region {
  readonly what: string;
  readonly start: number;
  readonly end: number;
}

function fixedRegions({ clusterSize, l1, refcounts }: Qcow2Header): readonly Region[] {
  return [
    { what: 'the header', start: 0, end: clusterSize },
    { what: 'the L1 table', start: l1.offset, end: l1.offset + l1.entries * 8 },
    { what: 'the refcount table', start: refcounts.offset, end: refcounts.offset + refcounts.sizeBytes },
  ];
}

function readEntries(source: ByteSource, header: Qcow2Header): Float64Array {
  const { offset, entries } = header.l1;
  const bytes = source.read(offset, entries * 8);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const regions = fixedRegions(header);
  // not by a loop here: V8 would optimise a long one while it runs, which takes 6 MiB
  return new Float64Array(entries).map((_, index) => {
    const table = tableOffset(view, index * 8);
    if (table !== 0) checkTable(table, offset + index * 8, header.clusterSize, source.sizeBytes, regions);
    return table;
  });
}

function tableOffset(view: DataView, at: number): number {
  return (view.getUint32(at) & OFFSET_HIGH_MASK) * 2 ** 32 + ((view.getUint32(at + 4) & OFFSET_LOW_MASK) >>> 0);
}

function checkTable(
  table: number,
  at: number,
  clusterSize: number,
  fileSize: number,
  regions: readonly Region[],
): void {
  if (table % clusterSize !== 0 || table + clusterSize > fileSize) {
    const state = `L2 table is at ${hex(table)}, expected a cluster of the file (${hex(fileSize)} bytes)`;
    throw corrupt('L1 entry', state, at);
  }
  const region = regions.find(({ start, end }) => table >= start && table < end);
  if (region !== undefined) throw corrupt('L1 entry', `L2 table at ${hex(table)} is ${region.what}`, at);
}

function checkNoneTwice(sorted: Float64Array, l1Offset: number): void {
  for (let index = 1; index < sorted.length; index++) {
    if (sorted[index] === sorted[index - 1]) {
      throw corrupt('L1 table', `two entries name the L2 table at ${hex(sorted[index] ?? 0)}`, l1Offset);
    }
  }
}

function holds(sorted: Float64Array, value: number): boolean {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return sorted[low] === value;
}
