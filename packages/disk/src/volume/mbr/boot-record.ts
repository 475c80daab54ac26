import { type Fields, readFields } from '../../fields.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import {
  ACTIVE,
  MBR,
  MBR_ENTRIES_OFFSET,
  MBR_ENTRY,
  MBR_ENTRY_SIZE,
  MBR_SIGNATURE,
  MBR_SIZE,
  PROTECTIVE_TYPE,
} from './layout.ts';

export type MbrEntry = Fields<typeof MBR_ENTRY>;

/** A sector that is laid out as a boot record. Whether it really is one is for who reads it to judge. */
export interface BootRecord {
  readonly diskSignature: number;
  /** Always four; empty ones have type 0 or no sectors. */
  readonly entries: readonly MbrEntry[];
}

/** The boot record at an offset; `undefined` when there is no whole sector, no signature, or no table that makes sense. */
export function readBootRecord(disk: ByteSource, offset: number): BootRecord | undefined {
  if (offset + MBR_SIZE > disk.sizeBytes) return undefined;
  const sector = disk.read(offset, MBR_SIZE);
  const { signature, disk_signature } = readFields(sector, MBR);
  if (signature !== MBR_SIGNATURE) return undefined;
  const entries = [0, 1, 2, 3].map((index) =>
    readFields(sector.subarray(MBR_ENTRIES_OFFSET + index * MBR_ENTRY_SIZE), MBR_ENTRY),
  );
  // a boot sector with code or text here has other bytes, and is no table
  if (!entries.every(({ status }) => status === 0 || status === ACTIVE)) return undefined;
  return { diskSignature: disk_signature, entries };
}

export function isUsed(entry: MbrEntry): boolean {
  return entry.type !== 0 && entry.sectors !== 0;
}

/** Whether the record says that the disk belongs to a GPT. */
export function isProtective(record: BootRecord): boolean {
  return record.entries.some(({ type }) => type === PROTECTIVE_TYPE);
}
