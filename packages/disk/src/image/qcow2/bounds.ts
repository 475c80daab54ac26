import type { Fields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import { corrupt } from './error.ts';
import type { Qcow2Header } from './header.ts';
import { LIMIT, type QCOW2_HEADER, V3_HEADER_SIZE } from './layout.ts';

// Every number of a qcow2 header against its bound, before anything is read or reserved by it (security rule R6).

export type HeaderV2 = Fields<typeof QCOW2_HEADER>;

export interface L1Place {
  readonly offset: number;
  /** As many as the virtual disk needs. */
  readonly entries: number;
}

export interface RefcountPlace {
  readonly offset: number;
  readonly sizeBytes: number;
  /** Width of one refcount. */
  readonly bits: number;
}

export interface SnapshotPlace {
  readonly offset: number;
  readonly count: number;
}

export function checkClusterBits(bits: number): number {
  const { least, most } = LIMIT.clusterBits;
  if (bits >= least && bits <= most) return bits;
  throw corrupt('header', `cluster_bits is ${bits}, expected ${least} to ${most}`, 20);
}

export function checkHeaderLength(length: number, version: 2 | 3, areaSize: number): void {
  if (version === 2) return;
  if (length < V3_HEADER_SIZE || length % 8 !== 0 || length > areaSize) {
    throw corrupt('header', `header_length is ${length}, expected ${V3_HEADER_SIZE} to ${areaSize} in steps of 8`, 100);
  }
}

export function checkBackingName(v2: HeaderV2, headerLength: number, areaSize: number): void {
  if (v2.backing_file_offset === 0) return;
  if (v2.backing_file_offset < headerLength || v2.backing_file_offset > areaSize) {
    const state = `backing_file_offset is ${hex(v2.backing_file_offset)}, expected it after the header, in the first cluster`;
    throw corrupt('header', state, 8);
  }
  const most = Math.min(LIMIT.backingNameBytes, areaSize - v2.backing_file_offset);
  if (v2.backing_file_size > most) {
    throw corrupt('header', `backing_file_size is ${v2.backing_file_size}, expected at most ${most}`, 16);
  }
}

export function checkVirtualSize(size: number): number {
  if (size <= LIMIT.virtualSize) return size;
  throw corrupt('header', `virtual size is ${hex(size)}, expected at most ${hex(LIMIT.virtualSize)}`, 24);
}

export function checkL1(v2: HeaderV2, clusterSize: number, extendedL2: boolean, fileSize: number): L1Place {
  if (extendedL2 && v2.cluster_bits < LIMIT.extendedL2ClusterBits) {
    const state = `cluster_bits is ${v2.cluster_bits}, expected at least ${LIMIT.extendedL2ClusterBits} with extended L2 entries`;
    throw corrupt('header', state, 20);
  }
  const needed = l1EntriesOf(v2.size, clusterSize, extendedL2);
  if (v2.l1_size < needed || v2.l1_size * 8 > LIMIT.l1Bytes) {
    const state = `l1_size is ${v2.l1_size}, expected ${needed} to ${LIMIT.l1Bytes / 8}`;
    throw corrupt('header', state, 36);
  }
  checkTable('L1 table', v2.l1_table_offset, v2.l1_size * 8, { at: 40, clusterSize, fileSize });
  // entries beyond the end of the disk are left from a larger one
  return { offset: v2.l1_table_offset, entries: needed };
}

function l1EntriesOf(virtualSize: number, clusterSize: number, extendedL2: boolean): number {
  const l2Entries = clusterSize / (extendedL2 ? 16 : 8);
  return Math.ceil(virtualSize / (clusterSize * l2Entries));
}

/** The L1 table of a snapshot, for the size that the disk had then. */
export function checkSnapshotL1(
  { at, l1Offset, l1Entries }: { readonly at: number; readonly l1Offset: number; readonly l1Entries: number },
  { virtualSize, clusterSize, features }: Pick<Qcow2Header, 'virtualSize' | 'clusterSize' | 'features'>,
  fileSize: number,
): L1Place {
  const needed = l1EntriesOf(virtualSize, clusterSize, features.extendedL2);
  if (l1Entries < needed || l1Entries * 8 > LIMIT.l1Bytes) {
    throw corrupt('snapshot', `l1_size is ${l1Entries}, expected ${needed} to ${LIMIT.l1Bytes / 8}`, at + 8);
  }
  checkTable('L1 table of the snapshot', l1Offset, l1Entries * 8, { at, clusterSize, fileSize });
  return { offset: l1Offset, entries: needed };
}

export function checkRefcounts(v2: HeaderV2, order: number, clusterSize: number, fileSize: number): RefcountPlace {
  if (order > LIMIT.refcountOrder) {
    throw corrupt('header', `refcount_order is ${order}, expected at most ${LIMIT.refcountOrder}`, 96);
  }
  const sizeBytes = v2.refcount_table_clusters * clusterSize;
  if (sizeBytes === 0 || sizeBytes > LIMIT.refcountTableBytes) {
    const state = `refcount table has ${sizeBytes} bytes, expected 1 to ${LIMIT.refcountTableBytes}`;
    throw corrupt('header', state, 56);
  }
  checkTable('refcount table', v2.refcount_table_offset, sizeBytes, { at: 48, clusterSize, fileSize });
  const l1End = v2.l1_table_offset + v2.l1_size * 8;
  if (v2.refcount_table_offset < l1End && v2.l1_table_offset < v2.refcount_table_offset + sizeBytes) {
    throw corrupt('refcount table', `it overlaps the L1 table at ${hex(v2.l1_table_offset)}`, v2.refcount_table_offset);
  }
  return { offset: v2.refcount_table_offset, sizeBytes, bits: 2 ** order };
}

export function checkSnapshots(v2: HeaderV2, clusterSize: number, fileSize: number): SnapshotPlace {
  if (v2.nb_snapshots > LIMIT.snapshots) {
    throw corrupt('header', `nb_snapshots is ${v2.nb_snapshots}, expected at most ${LIMIT.snapshots}`, 60);
  }
  if (v2.nb_snapshots > 0) {
    checkTable('snapshot table', v2.snapshots_offset, v2.nb_snapshots, { at: 64, clusterSize, fileSize });
  }
  return { offset: v2.snapshots_offset, count: v2.nb_snapshots };
}

interface TablePlace {
  /** Where the header names the table. */
  readonly at: number;
  readonly clusterSize: number;
  readonly fileSize: number;
}

function checkTable(what: string, offset: number, sizeBytes: number, { at, clusterSize, fileSize }: TablePlace): void {
  if (sizeBytes === 0) return;
  const state = `it is at ${hex(offset)} with ${sizeBytes} bytes`;
  if (offset % clusterSize !== 0) throw corrupt(what, `${state}, expected a multiple of ${hex(clusterSize)}`, at);
  if (offset === 0) throw corrupt(what, `${state}, where the header is`, at);
  if (offset + sizeBytes > fileSize) throw corrupt(what, `${state}, past the end of the file at ${hex(fileSize)}`, at);
}
