import { identifyVolume } from '../filesystem/signature/identify.ts';
import { hex } from '../hex.ts';
import type { ByteSource } from '../source/byte-source.ts';
import { readAppleMap } from './apple/read.ts';
import { readBsdDisk } from './bsd/read.ts';
import { readGpt } from './gpt/read.ts';
import { isProtective, isUsed, readBootRecord } from './mbr/boot-record.ts';
import { readMbr } from './mbr/read.ts';
import { isSubdivided } from './mbr/subpartitions.ts';
import type { Partition, PartitionTable } from './partition-table.ts';

/** Filesystems whose first sector ends in the signature of an MBR. */
const BOOT_SECTORS: ReadonlySet<string> = new Set(['vfat', 'ntfs', 'exfat', 'BitLocker', 'ReFS']);

/**
 * Reads the partition table of a disk, `undefined` when it has none. Like Linux, a GPT counts only when the MBR announces it: one
 * that does not is left over from before the disk was partitioned anew.
 * @throws DiskError `corrupt` when there is a GPT of which no copy is sound
 */
export function readPartitionTable(disk: ByteSource): PartitionTable | undefined {
  const record = readBootRecord(disk, 0);
  if (record === undefined) return readOtherTable(disk);
  const gpt = isProtective(record) ? readGpt(disk, record) : undefined;
  if (gpt !== undefined) return withPlacementWarnings(disk, gpt);
  const content = identifyVolume(disk)?.type;
  // a boot loader on a disk without partitions leaves the signature above an empty table
  const isVolume = content !== undefined && (BOOT_SECTORS.has(content) || !record.entries.some(isUsed));
  if (isVolume) return undefined;
  return (
    (record.entries.some(isUsed) ? undefined : readOtherTable(disk)) ??
    withPlacementWarnings(disk, readMbr(disk, record))
  );
}

/** A table of another machine, on a disk that is no volume: discs of Apple are both. */
function readOtherTable(disk: ByteSource): PartitionTable | undefined {
  const table = readAppleMap(disk) ?? readBsdDisk(disk);
  return table === undefined || identifyVolume(disk) !== undefined ? undefined : withPlacementWarnings(disk, table);
}

function withPlacementWarnings(disk: ByteSource, table: PartitionTable): PartitionTable {
  return { ...table, warnings: [...table.warnings, ...pastEnd(disk, table), ...overlaps(table), ...dynamic(table)] };
}

/** Types of partitions of a disk whose volumes are in a database at its end (LDM). */
const DYNAMIC_TYPES: ReadonlySet<string> = new Set(['0x42', 'AF9B60A0-1431-4F62-BC68-3311714A69AD']);

function dynamic({ partitions }: PartitionTable): readonly string[] {
  if (!partitions.some(({ type }) => DYNAMIC_TYPES.has(type))) return [];
  return ['disk is a dynamic one of Windows (LDM): its volumes cannot be told apart yet'];
}

function pastEnd(disk: ByteSource, { partitions }: PartitionTable): readonly string[] {
  return partitions
    .filter(({ startBytes, sizeBytes }) => startBytes + sizeBytes > disk.sizeBytes)
    .map(({ number, startBytes, sizeBytes }) => {
      return `partition ${number} ends at ${hex(startBytes + sizeBytes)}, past the end of the disk at ${hex(disk.sizeBytes)}`;
    });
}

function overlaps(table: PartitionTable): readonly string[] {
  const sorted = table.partitions
    .filter((partition) => partition.kind !== 'extended' && !isSubdivided(partition, table))
    .toSorted((a, b) => a.startBytes - b.startBytes);
  const warnings: string[] = [];
  let furthest: Partition | undefined;
  for (const partition of sorted) {
    if (furthest !== undefined && partition.startBytes < furthest.startBytes + furthest.sizeBytes) {
      warnings.push(`partition ${partition.number} overlaps partition ${furthest.number}`);
    }
    if (furthest === undefined || endOf(partition) > endOf(furthest)) furthest = partition;
  }
  return warnings;
}

function endOf({ startBytes, sizeBytes }: Partition): number {
  return startBytes + sizeBytes;
}
