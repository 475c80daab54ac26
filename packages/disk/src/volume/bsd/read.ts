import type { ByteSource } from '../../source/byte-source.ts';
import type { Partition, PartitionTable } from '../partition-table.ts';
import { BSD_TYPE_NAMES } from '../partition-types.ts';
import { type BsdEntry, readBsdLabel } from './label.ts';
import { FREEBSD_SLICE_TYPE } from './layout.ts';

/** Reads the label of a disk that has no other table: its partitions are numbered by their letters. */
export function readBsdDisk(disk: ByteSource): PartitionTable | undefined {
  const label = readBsdLabel(disk, 0);
  if (label === undefined) return undefined;
  const partitions = label.entries.map((entry) => {
    const number = entry.letter.charCodeAt(0) - 'a'.charCodeAt(0) + 1;
    return partitionOf(entry, { number, kind: 'primary', base: 0, sectorSize: label.sectorSize });
  });
  const sectorSize = label.sectorSize as PartitionTable['sectorSize'];
  return { scheme: 'bsd', sectorSize, diskId: '', partitions, warnings: [] };
}

/**
 * What the label in a partition of an MBR divides it into, numbered by nobody yet. What it says counts from the start of the disk,
 * or, with FreeBSD, from that of the partition.
 */
export function bsdPartitionsWithin(disk: ByteSource, slice: Partition): readonly Partition[] {
  const label = readBsdLabel(disk, slice.startBytes);
  if (label === undefined) return [];
  const isRelative = slice.type === FREEBSD_SLICE_TYPE && label.wholeOffset === 0;
  const base = isRelative ? slice.startBytes : 0;
  const place = { number: 0, kind: 'logical', base, sectorSize: label.sectorSize } as const;
  return label.entries.map((entry) => partitionOf(entry, place));
}

interface Place {
  readonly number: number;
  readonly kind: Partition['kind'];
  /** What its offset counts from, in bytes. */
  readonly base: number;
  readonly sectorSize: number;
}

function partitionOf({ letter, type, size, offset }: BsdEntry, { number, kind, base, sectorSize }: Place): Partition {
  const typeName = BSD_TYPE_NAMES.get(type);
  return {
    number,
    startBytes: base + offset * sectorSize,
    sizeBytes: size * sectorSize,
    kind,
    type: `bsd ${type}`,
    ...(typeName === undefined ? {} : { typeName }),
    name: letter,
  };
}
