import type { ByteSource } from '../../source/byte-source.ts';
import { BSD_SLICE_TYPES } from '../bsd/layout.ts';
import { bsdPartitionsWithin } from '../bsd/read.ts';
import { MINIX_TYPE } from '../minix/layout.ts';
import { minixPartitionsWithin } from '../minix/read.ts';
import type { Partition, PartitionTable } from '../partition-table.ts';

/** A table within a partition of an MBR, by the types of the partitions that may have one. */
interface Subdivision {
  readonly types: ReadonlySet<string>;
  /** What it calls its partitions. */
  readonly title: string;
  /** The partitions of it, numbered by nobody yet; none where there is no such table. */
  read(disk: ByteSource, outer: Partition): readonly Partition[];
}

const SUBDIVISIONS: readonly Subdivision[] = [
  { types: BSD_SLICE_TYPES, title: 'BSD', read: bsdPartitionsWithin },
  { types: new Set([MINIX_TYPE]), title: 'Minix', read: minixPartitionsWithin },
];

/** Adds to an MBR what tables within its partitions divide them into, numbered on from `next` as Linux does. */
export function addSubpartitions(disk: ByteSource, table: PartitionTable, next: number): PartitionTable {
  const warnings = [...table.warnings];
  const found = table.partitions
    .filter(({ kind }) => kind !== 'extended')
    .flatMap((outer) => SUBDIVISIONS.flatMap((one) => subdivide(disk, outer, { ...one, warnings })));
  const partitions = found.map((partition, index) => ({ ...partition, number: next + index }));
  return { ...table, partitions: [...table.partitions, ...partitions], warnings };
}

interface Subdividing extends Subdivision {
  readonly warnings: string[];
}

function subdivide(
  disk: ByteSource,
  outer: Partition,
  { types, title, read, warnings }: Subdividing,
): readonly Partition[] {
  if (!types.has(outer.type)) return [];
  return read(disk, outer).filter((inner) => {
    if (isWithin(inner, outer)) return !isSame(inner, outer);
    warnings.push(
      `${title} partition ${inner.name} leaves partition ${outer.number}, which it divides: it is left out`,
    );
    return false;
  });
}

/** Whether a partition is divided into others of a table. */
export function isSubdivided(outer: Partition, { partitions }: PartitionTable): boolean {
  if (!SUBDIVISIONS.some(({ types }) => types.has(outer.type))) return false;
  // only what divides has names: an MBR gives none
  return partitions.some((inner) => inner.name !== undefined && inner !== outer && isWithin(inner, outer));
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
