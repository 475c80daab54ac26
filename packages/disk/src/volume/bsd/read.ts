import type { ByteSource } from '../../source/byte-source.ts';
import type { Partition, PartitionTable } from '../partition-table.ts';
import { BSD_TYPE_NAMES } from '../partition-types.ts';
import { type BsdEntry, readBsdLabel } from './label.ts';
import { BSD_SLICE_TYPES, FREEBSD_SLICE_TYPE } from './layout.ts';

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
 * Adds to an MBR what labels within its partitions divide them into, numbered on from `next` as Linux does. What a label says
 * counts from the start of the disk, or, with FreeBSD, from that of the partition.
 */
export function addBsdPartitions(disk: ByteSource, table: PartitionTable, next: number): PartitionTable {
  const slices = table.partitions.filter(({ type, kind }) => BSD_SLICE_TYPES.has(type) && kind !== 'extended');
  const warnings = [...table.warnings];
  const found = slices.flatMap((slice) => withinSlice(disk, slice, warnings));
  const partitions = found.map((partition, index) => ({ ...partition, number: next + index }));
  return { ...table, partitions: [...table.partitions, ...partitions], warnings };
}

function withinSlice(disk: ByteSource, slice: Partition, warnings: string[]): readonly Partition[] {
  const label = readBsdLabel(disk, slice.startBytes);
  if (label === undefined) return [];
  const isRelative = slice.type === FREEBSD_SLICE_TYPE && label.wholeOffset === 0;
  const place = {
    ...{ number: 0, kind: 'logical' as const, sectorSize: label.sectorSize },
    base: isRelative ? slice.startBytes : 0,
  };
  return label.entries
    .map((entry) => partitionOf(entry, place))
    .filter((partition) => {
      if (isWithin(partition, slice)) return !isSame(partition, slice);
      warnings.push(
        `BSD partition ${partition.name} leaves partition ${slice.number}, which it divides: it is left out`,
      );
      return false;
    });
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

function isWithin(inner: Partition, outer: Partition): boolean {
  return inner.startBytes >= outer.startBytes && endOf(inner) <= endOf(outer);
}

function isSame(a: Partition, b: Partition): boolean {
  return a.startBytes === b.startBytes && a.sizeBytes === b.sizeBytes;
}

function endOf({ startBytes, sizeBytes }: Partition): number {
  return startBytes + sizeBytes;
}
