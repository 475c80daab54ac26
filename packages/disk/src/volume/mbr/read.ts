import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import type { Partition, PartitionTable } from '../partition-table.ts';
import { MBR_TYPE_NAMES } from '../partition-types.ts';
import { type BootRecord, isProtective, isUsed, type MbrEntry, readBootRecord } from './boot-record.ts';
import { ACTIVE, EXTENDED_TYPES, FIRST_LOGICAL, LONGEST_CHAIN } from './layout.ts';
import { addSubpartitions } from './subpartitions.ts';

const SECTOR_SIZE = 512;

/** Reads the partitions of an MBR that has been found, primary ones first, then the chain of logical ones. */
export function readMbr(disk: ByteSource, record: BootRecord): PartitionTable {
  const warnings: string[] = [];
  const diskId = record.diskSignature.toString(16).padStart(8, '0');
  const primary = record.entries
    .map((entry, index) => partitionOf(entry, { number: index + 1, base: 0, diskId, kind: kindOf(entry) }))
    .filter((partition) => partition !== undefined);
  const logical = primary
    .filter(({ kind }) => kind === 'extended')
    .flatMap((extended) => [...readLogical(disk, extended, warnings)])
    .map(({ entry, base }, index) =>
      partitionOf(entry, { number: FIRST_LOGICAL + index, base, diskId, kind: 'logical' }),
    )
    .filter((partition) => partition !== undefined);
  if (isProtective(record)) warnings.push('MBR says there is a GPT, but there is none');
  const partitions = [...primary, ...logical];
  const table: PartitionTable = { scheme: 'mbr', sectorSize: SECTOR_SIZE, diskId, partitions, warnings };
  return addSubpartitions(disk, table, FIRST_LOGICAL + logical.length);
}

function kindOf(entry: MbrEntry): 'primary' | 'extended' {
  return EXTENDED_TYPES.has(entry.type) ? 'extended' : 'primary';
}

interface Slot {
  readonly number: number;
  /** What the start of the entry counts from, in bytes. */
  readonly base: number;
  readonly diskId: string;
  readonly kind: Partition['kind'];
}

function partitionOf(entry: MbrEntry, { number, base, diskId, kind }: Slot): Partition | undefined {
  if (!isUsed(entry)) return undefined;
  const typeName = MBR_TYPE_NAMES.get(entry.type);
  return {
    number,
    startBytes: base + entry.start * SECTOR_SIZE,
    sizeBytes: entry.sectors * SECTOR_SIZE,
    kind,
    type: `0x${entry.type.toString(16).padStart(2, '0')}`,
    ...(typeName === undefined ? {} : { typeName }),
    uuid: `${diskId}-${number.toString(16).padStart(2, '0')}`,
    bootable: entry.status === ACTIVE,
  };
}

interface LogicalEntry {
  readonly entry: MbrEntry;
  readonly base: number;
}

/**
 * Follows the chain of extended boot records: in each, one entry is a partition counted from the record itself, and one points
 * to the next record, counted from the start of the extended partition.
 */
function* readLogical(disk: ByteSource, extended: Partition, warnings: string[]): Iterable<LogicalEntry> {
  const seen = new Set<number>();
  let at: number | undefined = extended.startBytes;
  while (at !== undefined) {
    if (seen.has(at)) return void warnings.push(`chain of logical partitions comes back to ${hex(at)}`);
    if (seen.size === LONGEST_CHAIN)
      return void warnings.push(`chain of logical partitions is cut after ${LONGEST_CHAIN}`);
    seen.add(at);
    const record = readBootRecord(disk, at);
    if (record === undefined) return void warnings.push(`chain of logical partitions is broken at ${hex(at)}`);
    const base: number = at;
    for (const entry of record.entries) if (isUsed(entry) && !EXTENDED_TYPES.has(entry.type)) yield { entry, base };
    const next = record.entries.find((entry) => isUsed(entry) && EXTENDED_TYPES.has(entry.type));
    at = next === undefined ? undefined : extended.startBytes + next.start * SECTOR_SIZE;
  }
}
