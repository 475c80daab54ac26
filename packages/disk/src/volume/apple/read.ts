import { readFields } from '../../fields.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import type { Partition, PartitionTable } from '../partition-table.ts';
import {
  APPLE_ENTRY,
  APPLE_ENTRY_SIZE,
  APPLE_NAME,
  APPLE_SIGNATURE,
  APPLE_TYPE,
  DRIVER,
  DRIVER_SIGNATURE,
  MOST_APPLE_PARTITIONS,
} from './layout.ts';

/** Reads an Apple partition map, `undefined` when there is none. */
export function readAppleMap(disk: ByteSource): PartitionTable | undefined {
  const sectorSize = blockSizeOf(disk);
  const first = sectorSize && readEntry(disk, 1, sectorSize);
  if (!sectorSize || !first) return undefined;
  const warnings: string[] = [];
  const partitions = [first.partition];
  for (let number = 2; number <= Math.min(first.mapEntries, MOST_APPLE_PARTITIONS); number++) {
    const entry = readEntry(disk, number, sectorSize);
    if (entry === undefined) {
      warnings.push(`Apple partition map breaks off before entry ${number} of ${first.mapEntries}`);
      break;
    }
    partitions.push(entry.partition);
  }
  if (first.mapEntries > MOST_APPLE_PARTITIONS)
    warnings.push(`Apple partition map is cut after ${MOST_APPLE_PARTITIONS}`);
  return { scheme: 'apm', sectorSize, diskId: '', partitions, warnings };
}

function blockSizeOf(disk: ByteSource): PartitionTable['sectorSize'] | undefined {
  if (disk.sizeBytes < 4) return undefined;
  const { signature, block_size } = readFields(disk.read(0, 4), DRIVER);
  if (signature !== DRIVER_SIGNATURE) return undefined;
  return block_size === 512 || block_size === 2048 || block_size === 4096 ? block_size : undefined;
}

function readEntry(
  disk: ByteSource,
  number: number,
  sectorSize: number,
): { readonly partition: Partition; readonly mapEntries: number } | undefined {
  const offset = number * sectorSize;
  if (offset + APPLE_ENTRY_SIZE > disk.sizeBytes) return undefined;
  const bytes = disk.read(offset, APPLE_ENTRY_SIZE);
  const { signature, start, blocks, map_entries } = readFields(bytes, APPLE_ENTRY);
  if (signature !== APPLE_SIGNATURE) return undefined;
  const partition: Partition = {
    number,
    startBytes: start * sectorSize,
    sizeBytes: blocks * sectorSize,
    kind: 'primary',
    type: textOf(bytes.subarray(APPLE_TYPE.start, APPLE_TYPE.end)),
    name: textOf(bytes.subarray(APPLE_NAME.start, APPLE_NAME.end)),
  };
  return { partition, mapEntries: map_entries };
}

function textOf(bytes: Uint8Array): string {
  const text = new TextDecoder('macintosh').decode(bytes);
  const end = text.indexOf('\0');
  return end === -1 ? text : text.slice(0, end);
}
