import { crc32c } from '../../../crc32c.ts';
import { type Fields, readFields } from '../../../fields.ts';
import { hex } from '../../../hex.ts';
import { corrupt } from '../corrupt.ts';
import { BASIC_BLOCK } from '../layout.ts';
import {
  CYCLE_BYTES,
  CYCLE_WORDS,
  EXTENDED_CYCLE_DATA,
  EXTENDED_HEADER_SIZE,
  H_CRC,
  H_CYCLE_DATA,
  H_FS_UUID,
  KNOWN_VERSIONS,
  MAX_RECORD_BYTES,
  OPERATION_FLAG,
  RECORD,
  RECORD_HEADER_SIZES,
  RECORD_MAGIC,
  VERSION_2,
} from './layout.ts';
import type { LogBlocks } from './log-blocks.ts';

/** The header of a record, checked so far that its content can be read. */
export interface RecordHeader {
  readonly block: number;
  /** Where the record ends: a block behind the last of the ring counts on. */
  readonly end: number;
  readonly fields: Fields<typeof RECORD>;
  readonly uuid: Uint8Array;
  /** All blocks of the header. */
  readonly bytes: Uint8Array;
}

export function readHeader(log: LogBlocks, block: number): RecordHeader {
  const first = log.read(block, 1);
  const fields = readFields(first, RECORD, { format: 'xfs', offset: 0 });
  const { h_magicno: magic, h_version: version, h_len: length, h_size: size } = fields;
  const isVersion = version !== 0 && (version & ~KNOWN_VERSIONS) === 0;
  if (magic !== RECORD_MAGIC || !isVersion || length === 0 || length > MAX_RECORD_BYTES || size > MAX_RECORD_BYTES) {
    throw broken(block, `magic ${hex(magic)}, version ${version}, ${length} bytes of ${size}`);
  }
  const isExtended = (version & VERSION_2) !== 0 && size > CYCLE_BYTES;
  const headerBlocks = isExtended ? Math.ceil(size / CYCLE_BYTES) : 1;
  if (length > headerBlocks * CYCLE_BYTES) throw broken(block, `${length} bytes behind ${headerBlocks} headers`);
  return {
    block,
    end: block + headerBlocks + Math.ceil(length / BASIC_BLOCK),
    fields,
    uuid: first.subarray(H_FS_UUID, H_FS_UUID + 16),
    bytes: log.read(block, headerBlocks),
  };
}

/**
 * The content of a record, with the words back in place that the numbers of the round are kept in.
 * @throws DiskError `corrupt` when it was not written to the end, as far as checksums tell
 */
export function readContent(log: LogBlocks, header: RecordHeader, isChecked: boolean): Uint8Array {
  const { bytes, block, end, fields } = header;
  const headerBlocks = bytes.length / BASIC_BLOCK;
  const content = log.read(block + headerBlocks, end - block - headerBlocks).slice();
  if (isChecked && !RECORD_HEADER_SIZES.some((size) => checksumOf(header, content, size) === fields.h_crc)) {
    throw broken(block, 'it does not have its checksum');
  }
  restoreWords(bytes, content);
  return content.subarray(0, fields.h_len);
}

/** Over the header without the checksum itself, further headers, and the content with the numbers of the round in it. */
export function checksumOf({ bytes, fields }: RecordHeader, content: Uint8Array, headerSize: number): number {
  let crc = crc32c(crc32c(0xffffffff, bytes.subarray(0, H_CRC)), new Uint8Array(4));
  crc = crc32c(crc, bytes.subarray(H_CRC + 4, headerSize));
  for (let used = CYCLE_BYTES, at = BASIC_BLOCK; used < fields.h_len; used += CYCLE_BYTES, at += BASIC_BLOCK) {
    crc = crc32c(crc, bytes.subarray(at, at + EXTENDED_HEADER_SIZE));
  }
  return ~crc32c(crc, content.subarray(0, fields.h_len)) >>> 0;
}

function restoreWords(header: Uint8Array, content: Uint8Array): void {
  for (let block = 0; block * BASIC_BLOCK < content.length; block++) {
    const headerBlock = Math.floor(block / CYCLE_WORDS);
    const words = headerBlock * BASIC_BLOCK + (headerBlock === 0 ? H_CYCLE_DATA : EXTENDED_CYCLE_DATA);
    const at = words + (block % CYCLE_WORDS) * 4;
    content.set(header.subarray(at, at + 4), block * BASIC_BLOCK);
  }
}

/** Whether a record says that the filesystem was unmounted: all that came before is where it belongs. */
export function isUnmount(log: LogBlocks, { bytes, block, fields }: RecordHeader): boolean {
  if (fields.h_num_logops !== 1) return false;
  const flags = log.read(block + bytes.length / BASIC_BLOCK, 1)[9] as number;
  return (flags & OPERATION_FLAG.UNMOUNT) !== 0;
}

function broken(block: number, state: string) {
  return corrupt(`Cannot read log record in block ${block}: ${state}`, block * BASIC_BLOCK);
}
