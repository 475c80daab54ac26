import { DiskError } from '../../error.ts';
import { readFields } from '../../fields.ts';
import { readGuid } from '../../guid.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { type BootRecord, isUsed } from '../mbr/boot-record.ts';
import { PROTECTIVE_TYPE } from '../mbr/layout.ts';
import type { Partition, PartitionTable } from '../partition-table.ts';
import { GPT_TYPE_NAMES } from '../partition-types.ts';
import { type GptCopy, hasGptSignature, readGptCopy } from './header.ts';
import {
  GPT_DISK_GUID_OFFSET,
  GPT_ENTRY,
  GPT_ENTRY_GUID_OFFSET,
  GPT_ENTRY_NAME,
  GPT_LEGACY_BOOTABLE,
  GPT_SECTOR_SIZES,
  GPT_UNUSED,
} from './layout.ts';

type SectorSize = PartitionTable['sectorSize'];

/**
 * Reads a GPT, `undefined` when neither copy is there. The backup serves when the primary copy is damaged.
 * @throws DiskError `corrupt` when there is one and no copy is sound
 */
export function readGpt(disk: ByteSource, record: BootRecord): PartitionTable | undefined {
  const sectorSize = findSectorSize(disk);
  if (sectorSize === undefined) return undefined;
  const warnings: string[] = [];
  const copy = readEitherCopy(disk, sectorSize, warnings);
  const partitions = [...partitionsOf(copy, sectorSize)];
  const hybrids = record.entries.filter((entry) => isUsed(entry) && entry.type !== PROTECTIVE_TYPE);
  if (hybrids.length > 0) warnings.push('MBR is hybrid: it names partitions beside the protective one');
  return { scheme: 'gpt', sectorSize, diskId: readGuid(copy.header, GPT_DISK_GUID_OFFSET), partitions, warnings };
}

/** The header is in the second sector, or its backup in the last one, whatever a sector is. */
function findSectorSize(disk: ByteSource): SectorSize | undefined {
  return (
    GPT_SECTOR_SIZES.find((size) => hasGptSignature(disk, size)) ??
    GPT_SECTOR_SIZES.find((size) => hasGptSignature(disk, lastLba(disk, size) * size))
  );
}

function lastLba(disk: ByteSource, sectorSize: SectorSize): number {
  return Math.floor(disk.sizeBytes / sectorSize) - 1;
}

function readEitherCopy(disk: ByteSource, sectorSize: SectorSize, warnings: string[]): GptCopy {
  const backup = lastLba(disk, sectorSize);
  try {
    const primary = readGptCopy(disk, 1, sectorSize);
    if (primary.fields.alternate_lba !== backup) warnings.push('backup GPT is not at the end of the disk');
    return primary;
  } catch (error) {
    if (!(error instanceof DiskError) || !hasGptSignature(disk, backup * sectorSize)) throw error;
    warnings.push(`primary GPT is damaged, its backup was used: ${error.message}`);
    return readGptCopy(disk, backup, sectorSize);
  }
}

function* partitionsOf({ fields, entries }: GptCopy, sectorSize: SectorSize): Iterable<Partition> {
  for (let index = 0; index < fields.number_of_partition_entries; index++) {
    const at = index * fields.size_of_partition_entry;
    const entry = entries.subarray(at, at + fields.size_of_partition_entry);
    const type = readGuid(entry);
    if (type !== GPT_UNUSED) yield readEntry(entry, type.toUpperCase(), index + 1, sectorSize);
  }
}

function readEntry(entry: Uint8Array, type: string, number: number, sectorSize: SectorSize): Partition {
  const fields = readFields(entry, GPT_ENTRY, { format: 'gpt' });
  const typeName = GPT_TYPE_NAMES.get(type);
  return {
    number,
    startBytes: fields.starting_lba * sectorSize,
    sizeBytes: Math.max(0, fields.ending_lba - fields.starting_lba + 1) * sectorSize,
    kind: 'primary',
    type,
    ...(typeName === undefined ? {} : { typeName }),
    name: readName(entry.subarray(GPT_ENTRY_NAME.start, GPT_ENTRY_NAME.end)),
    uuid: readGuid(entry, GPT_ENTRY_GUID_OFFSET),
    bootable: (fields.attributes & GPT_LEGACY_BOOTABLE) !== 0n,
    attributes: `0x${fields.attributes.toString(16).padStart(16, '0')}`,
  };
}

function readName(bytes: Uint8Array): string {
  const name = new TextDecoder('utf-16le').decode(bytes);
  const end = name.indexOf('\0');
  return end === -1 ? name : name.slice(0, end);
}
