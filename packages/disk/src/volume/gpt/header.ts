import { DiskError } from '../../error.ts';
import { type Fields, readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import { lazy } from '../../lazy.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import {
  GPT_CRC_OFFSET,
  GPT_ENTRY_SIZE,
  GPT_HEADER,
  GPT_HEADER_SIZE,
  GPT_SIGNATURE,
  LARGEST_ENTRY_ARRAY,
} from './layout.ts';

const zlib = lazy<typeof import('node:zlib')>(import.meta, 'node:zlib');

/** A header and its array of entries, both with the right checksum. */
export interface GptCopy {
  readonly fields: Fields<typeof GPT_HEADER>;
  readonly header: Uint8Array;
  readonly entries: Uint8Array;
}

/** Whether a sector starts as a header does, sound or not. */
export function hasGptSignature(disk: ByteSource, offset: number): boolean {
  if (offset < 0 || offset + GPT_HEADER_SIZE > disk.sizeBytes) return false;
  return readFields(disk.read(offset, 8), { signature: GPT_HEADER.signature } as const).signature === GPT_SIGNATURE;
}

/** Reads one of the two copies. @throws DiskError `corrupt` when a checksum or a bound does not hold */
export function readGptCopy(disk: ByteSource, lba: number, sectorSize: number): GptCopy {
  const offset = lba * sectorSize;
  const header = disk.read(offset, sectorSize);
  const fields = readFields(header, GPT_HEADER, { format: 'gpt', offset });
  if (fields.signature !== GPT_SIGNATURE) throw corrupt('header', 'signature is missing', offset);
  if (fields.header_size < GPT_HEADER_SIZE || fields.header_size > sectorSize) {
    throw corrupt(
      'header',
      `its size is ${fields.header_size}, expected ${GPT_HEADER_SIZE} to ${sectorSize}`,
      offset + 12,
    );
  }
  if (headerChecksum(header, fields.header_size) !== fields.header_crc32) {
    throw corrupt('header', 'checksum is wrong', offset + GPT_CRC_OFFSET);
  }
  if (fields.my_lba !== lba) throw corrupt('header', `it says it is at LBA ${fields.my_lba}, not ${lba}`, offset + 24);
  return { fields, header, entries: readEntries(disk, fields, offset, sectorSize) };
}

function headerChecksum(header: Uint8Array, size: number): number {
  // not slice: that of a Buffer would not copy
  const copy = Uint8Array.from(header.subarray(0, size));
  copy.fill(0, GPT_CRC_OFFSET, GPT_CRC_OFFSET + 4);
  return zlib().crc32(copy);
}

function readEntries(disk: ByteSource, fields: GptCopy['fields'], offset: number, sectorSize: number): Uint8Array {
  const { size_of_partition_entry: size, number_of_partition_entries: count } = fields;
  // 128 times a power of two
  if (size < GPT_ENTRY_SIZE || (size & (size - 1)) !== 0) {
    throw corrupt('header', `entries have ${size} bytes, expected 128, 256, 512 …`, offset + 84);
  }
  if (size * count > LARGEST_ENTRY_ARRAY) {
    throw corrupt('header', `there are ${count} entries of ${size} bytes, expected at most 4 MiB`, offset + 80);
  }
  const start = fields.partition_entry_lba * sectorSize;
  if (start + size * count > disk.sizeBytes) {
    throw corrupt('header', `entries are at ${hex(start)}, past the end of the disk`, offset + 72);
  }
  const entries = disk.read(start, size * count);
  if (zlib().crc32(entries) !== fields.partition_entry_array_crc32)
    throw corrupt('entries', 'checksum is wrong', start);
  return entries;
}

function corrupt(what: string, state: string, offset: number): DiskError {
  return new DiskError('corrupt', `Cannot read GPT ${what}: ${state}`, { format: 'gpt', offset });
}
