import type { ByteSource } from '../../source/byte-source.ts';
import { isUsed, readBootRecord } from '../mbr/boot-record.ts';
import type { Partition } from '../partition-table.ts';
import { MINIX_TYPE, MINIX_TYPE_BYTE } from './layout.ts';

const SECTOR_SIZE = 512;

/**
 * What a table in the first sector of a Minix partition divides it into. That sector may as well be a boot sector: as with Linux, it
 * is a table only when its first entry is of a Minix partition. Its entries count from the start of the disk.
 */
export function minixPartitionsWithin(disk: ByteSource, { startBytes }: Partition): readonly Partition[] {
  const entries = readBootRecord(disk, startBytes)?.entries ?? [];
  if (entries[0]?.type !== MINIX_TYPE_BYTE) return [];
  return entries.flatMap((entry, index): Partition | readonly [] => {
    if (entry.type !== MINIX_TYPE_BYTE || !isUsed(entry)) return [];
    return {
      number: 0,
      startBytes: entry.start * SECTOR_SIZE,
      sizeBytes: entry.sectors * SECTOR_SIZE,
      kind: 'logical',
      type: MINIX_TYPE,
      typeName: 'Minix subpartition',
      name: `s${index}`,
    };
  });
}
