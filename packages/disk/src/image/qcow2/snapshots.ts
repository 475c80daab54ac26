import { DiskError } from '../../error.ts';
import { readFields } from '../../fields.ts';
import { quote } from '../../quote.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { checkSnapshotL1, checkVirtualSize } from './bounds.ts';
import { corrupt } from './error.ts';
import type { Qcow2Header } from './header.ts';
import { LIMIT, SNAPSHOT, SNAPSHOT_EXTRA, SNAPSHOT_SIZE } from './layout.ts';

/** An internal snapshot. Fit for JSON. */
export interface Qcow2Snapshot {
  readonly id: string;
  readonly name: string;
  readonly created_at: string;
  readonly vm_state_size: number;
  /** Of the disk when the snapshot was taken, when known. */
  readonly virtual_size: number | null;
}

export function readSnapshots(source: ByteSource, header: Qcow2Header): readonly Qcow2Snapshot[] {
  return readStoredSnapshots(source, header).map(({ snapshot }) => snapshot);
}

/**
 * The header that an image would have if it had been taken back to a snapshot.
 * @throws DiskError `not-found` when no snapshot has that id or name
 */
export function headerOfSnapshot(source: ByteSource, header: Qcow2Header, idOrName: string): Qcow2Header {
  const stored = readStoredSnapshots(source, header);
  const chosen =
    stored.find(({ snapshot }) => snapshot.id === idOrName) ??
    stored.find(({ snapshot }) => snapshot.name === idOrName);
  if (chosen === undefined) throw noSuchSnapshot(idOrName, stored);
  const virtualSize = checkVirtualSize(chosen.snapshot.virtual_size ?? header.virtualSize);
  return { ...header, virtualSize, l1: checkSnapshotL1(chosen, { ...header, virtualSize }, source.sizeBytes) };
}

function noSuchSnapshot(idOrName: string, stored: readonly StoredSnapshot[]): DiskError {
  const names = stored.slice(0, MOST_NAMED).map(({ snapshot }) => quote(snapshot.name));
  const state = stored.length === 0 ? 'the image has none' : `the image has ${stored.length}: ${names.join(', ')}`;
  return new DiskError('not-found', `Cannot open snapshot ${quote(idOrName)}: ${state}`, { format: 'qcow2' });
}

const MOST_NAMED = 10;

interface StoredSnapshot {
  readonly snapshot: Qcow2Snapshot;
  /** Where it is in the file. */
  readonly at: number;
  readonly l1Offset: number;
  readonly l1Entries: number;
}

function readStoredSnapshots(source: ByteSource, { snapshots }: Qcow2Header): readonly StoredSnapshot[] {
  const found: StoredSnapshot[] = [];
  let at = snapshots.offset;
  while (found.length < snapshots.count) {
    const { sizeBytes, ...stored } = readSnapshot(source, at);
    found.push(stored);
    at += Math.ceil(sizeBytes / 8) * 8;
    if (at - snapshots.offset > LIMIT.snapshotTableBytes) {
      throw corrupt('snapshot table', `it has more than ${LIMIT.snapshotTableBytes} bytes`, at);
    }
  }
  return found;
}

function readSnapshot(source: ByteSource, at: number) {
  const fields = readFields(source.read(at, SNAPSHOT_SIZE), SNAPSHOT, { format: 'qcow2', offset: at });
  if (fields.extra_data_size > LIMIT.snapshotExtraBytes) {
    const state = `extra data has ${fields.extra_data_size} bytes, expected at most ${LIMIT.snapshotExtraBytes}`;
    throw corrupt('snapshot', state, at + 36);
  }
  const variable = fields.extra_data_size + fields.id_str_size + fields.name_size;
  const bytes = source.read(at + SNAPSHOT_SIZE, variable);
  const id = bytes.subarray(fields.extra_data_size, fields.extra_data_size + fields.id_str_size);
  const extra = readExtra(bytes.subarray(0, fields.extra_data_size), at + SNAPSHOT_SIZE);
  const snapshot: Qcow2Snapshot = {
    id: text(id),
    name: text(bytes.subarray(fields.extra_data_size + fields.id_str_size)),
    created_at: new Date(fields.date_sec * 1000).toISOString(),
    vm_state_size: extra?.vm_state_size ?? fields.vm_state_size,
    virtual_size: extra?.disk_size ?? null,
  };
  const place = { at, l1Offset: fields.l1_table_offset, l1Entries: fields.l1_size };
  return { snapshot, ...place, sizeBytes: SNAPSHOT_SIZE + variable };
}

// version 2 images may leave it out
function readExtra(bytes: Uint8Array, at: number) {
  return bytes.length < 16 ? undefined : readFields(bytes, SNAPSHOT_EXTRA, { format: 'qcow2', offset: at });
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
