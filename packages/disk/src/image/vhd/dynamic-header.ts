import { DiskError } from '../../error.ts';
import { readFields } from '../../fields.ts';
import { readUuid } from '../../guid.ts';
import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { verifyChecksum } from './checksum.ts';
import { corrupt } from './error.ts';
import type { FoundFooter } from './footer.ts';
import {
  FOOTER_SIZE,
  HEADER,
  HEADER_CHECKSUM_AT,
  HEADER_COOKIE,
  HEADER_SIZE,
  LIMIT,
  LOCATOR,
  MAJOR_VERSION,
  PARENT_LOCATOR,
  PARENT_LOCATORS,
  PARENT_NAME,
  PARENT_UNIQUE_ID_AT,
  SECTOR_SIZE,
} from './layout.ts';

/** The header of a dynamic or differencing disk, its numbers compared with their bounds. */
export interface DynamicHeader {
  readonly offset: number;
  readonly blockSize: number;
  readonly table: TablePlace;
  readonly parent: VhdParent;
}

export interface TablePlace {
  readonly offset: number;
  /** As many as the virtual disk needs. */
  readonly entries: number;
}

/** What a differencing disk says of its parent; empty in a dynamic one. */
export interface VhdParent {
  readonly uniqueId: string;
  readonly timestamp: number;
  readonly name: string;
  readonly relativePath: string | undefined;
  readonly absolutePath: string | undefined;
}

export function readDynamicHeader(source: ByteSource, { footer, dataEnd }: FoundFooter): DynamicHeader {
  const offset = checkHeaderOffset(footer.dataOffset, dataEnd);
  const bytes = source.read(offset, HEADER_SIZE);
  const cookie = Buffer.from(bytes.subarray(0, HEADER_COOKIE.length)).toString('latin1');
  if (cookie !== HEADER_COOKIE) throw corrupt('dynamic header', `it does not start with "${HEADER_COOKIE}"`, offset);
  const fields = readFields(bytes, HEADER, { format: 'vhd', offset });
  verifyChecksum(bytes, HEADER_CHECKSUM_AT, 'dynamic header', offset);
  if (fields.header_version >>> 16 !== MAJOR_VERSION) {
    const message = `Cannot read VHD dynamic header: version is ${hex(fields.header_version)}, expected ${MAJOR_VERSION}.0`;
    throw new DiskError('unsupported', message, { format: 'vhd', offset: offset + 24 });
  }
  const blockSize = checkBlockSize(fields.block_size, offset);
  const entries = Math.ceil(footer.virtualSize / blockSize);
  if (fields.max_table_entries < entries) {
    throw corrupt('dynamic header', `table has ${fields.max_table_entries} entries, expected ${entries}`, offset + 28);
  }
  const table = { offset: fields.table_offset, entries };
  checkTable(table, offset, dataEnd);
  return { offset, blockSize, table, parent: readParent(source, bytes, fields.parent_timestamp, offset) };
}

function checkHeaderOffset(offset: bigint, dataEnd: number): number {
  if (offset >= BigInt(FOOTER_SIZE) && offset + BigInt(HEADER_SIZE) <= BigInt(dataEnd)) return Number(offset);
  throw corrupt('footer', `dynamic header is at ${hex(offset)}, expected it between the footers`, 16);
}

// the sector bitmap before a block fills whole sectors, so blocks of less than a sector cannot be
function checkBlockSize(size: number, offset: number): number {
  if (size >= SECTOR_SIZE && Number.isInteger(Math.log2(size))) return size;
  throw corrupt('dynamic header', `block size is ${size}, expected a power of two, at least 512`, offset + 32);
}

function checkTable({ offset, entries }: TablePlace, headerOffset: number, dataEnd: number): void {
  const end = offset + entries * 4;
  const state = `block table is at ${hex(offset)} with ${entries} entries`;
  if (offset < FOOTER_SIZE || end > dataEnd) {
    throw corrupt('dynamic header', `${state}, expected it between the footers`, headerOffset + 16);
  }
  if (offset < headerOffset + HEADER_SIZE && headerOffset < end) {
    throw corrupt('dynamic header', `${state}, where the header is`, headerOffset + 16);
  }
}

function readParent(source: ByteSource, header: Uint8Array, timestamp: number, offset: number): VhdParent {
  const name = header.subarray(PARENT_NAME.at, PARENT_NAME.at + PARENT_NAME.sizeBytes);
  return {
    uniqueId: readUuid(header, PARENT_UNIQUE_ID_AT),
    timestamp,
    name: upToNul(new TextDecoder('utf-16be').decode(name)),
    relativePath: readLocator(source, header, LOCATOR.relative, offset),
    absolutePath: readLocator(source, header, LOCATOR.absolute, offset),
  };
}

function readLocator(source: ByteSource, header: Uint8Array, code: string, offset: number): string | undefined {
  for (let index = 0; index < PARENT_LOCATORS.count; index++) {
    const at = PARENT_LOCATORS.at + index * PARENT_LOCATORS.sizeBytes;
    const locator = header.subarray(at, at + PARENT_LOCATORS.sizeBytes);
    if (Buffer.from(locator.subarray(0, 4)).toString('latin1') !== code) continue;
    const place = { format: 'vhd', offset: offset + at };
    const { platform_data_length: length, platform_data_offset: start } = readFields(locator, PARENT_LOCATOR, place);
    if (length > LIMIT.locatorBytes || start + length > source.sizeBytes) {
      const state = `"${code}" has ${length} bytes at ${hex(start)}, expected at most ${LIMIT.locatorBytes}, in the file`;
      throw corrupt('parent locator', state, place.offset);
    }
    return upToNul(new TextDecoder('utf-16le').decode(source.read(start, length)));
  }
  return undefined;
}

function upToNul(text: string): string {
  return text.slice(0, text.includes('\0') ? text.indexOf('\0') : undefined);
}
