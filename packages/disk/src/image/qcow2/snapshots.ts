import { readFields } from '../../fields.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { corrupt } from './error.ts';
import type { Qcow2Header } from './header.ts';
import { LIMIT, SNAPSHOT, SNAPSHOT_EXTRA, SNAPSHOT_SIZE } from './layout.ts';

/** An internal snapshot, listed and otherwise ignored. Fit for JSON. */
export interface Qcow2Snapshot {
  readonly id: string;
  readonly name: string;
  readonly created_at: string;
  readonly vm_state_size: number;
  /** Of the disk when the snapshot was taken, when known. */
  readonly virtual_size: number | null;
}

export function readSnapshots(source: ByteSource, { snapshots }: Qcow2Header): readonly Qcow2Snapshot[] {
  const found: Qcow2Snapshot[] = [];
  let at = snapshots.offset;
  while (found.length < snapshots.count) {
    const { snapshot, sizeBytes } = readSnapshot(source, at);
    found.push(snapshot);
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
  return { snapshot, sizeBytes: SNAPSHOT_SIZE + variable };
}

// version 2 images may leave it out
function readExtra(bytes: Uint8Array, at: number) {
  return bytes.length < 16 ? undefined : readFields(bytes, SNAPSHOT_EXTRA, { format: 'qcow2', offset: at });
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
