import { readFields } from '../../fields.ts';
import type { FileTime } from '../file-system.ts';
import type { ByteRun } from '../run-content.ts';
import { corrupt } from './error.ts';
import { FLAG, RECORD, RECORD_DATE_AT, RECORD_HEADER_SIZE } from './layout.ts';
import { shortTime } from './time.ts';

/** What names an extent of a file or folder. */
export interface DirectoryRecord {
  /** Where it is, in bytes from the start of the filesystem. */
  readonly at: number;
  readonly identifier: Uint8Array;
  /** Behind the name: what Rock Ridge is kept in. */
  readonly systemUse: Uint8Array;
  /** The content, without the extended attribute record in front of it. */
  readonly extent: ByteRun;
  readonly recordedAt: FileTime;
  readonly isFolder: boolean;
  /** A resource fork, or the like, of the file of the same name. */
  readonly isAssociated: boolean;
  /** The next record names more of the same file. */
  readonly isContinued: boolean;
  readonly isInterleaved: boolean;
}

/** @param at where the bytes are, for errors */
export function parseRecord(bytes: Uint8Array, at: number, blockSize: number): DirectoryRecord {
  // the big-endian copies are left alone, as Linux does: there are discs on which they are wrong
  const fields = readFields(bytes, RECORD, { format: 'iso9660', offset: at });
  const nameEnd = RECORD_HEADER_SIZE + fields.identifier_length;
  if (fields.identifier_length === 0 || nameEnd > fields.length || fields.length > bytes.length) {
    const state = `it has ${fields.length} bytes, a name of ${fields.identifier_length}, and space for ${bytes.length}`;
    throw corrupt(`Cannot read directory record: ${state}`, at);
  }
  return {
    at,
    identifier: bytes.subarray(RECORD_HEADER_SIZE, nameEnd),
    // a name of even length is followed by a byte of padding
    systemUse: bytes.subarray(nameEnd + ((fields.identifier_length + 1) % 2), fields.length),
    extent: { offset: (fields.extent + fields.extended_attribute_length) * blockSize, length: fields.data_length },
    recordedAt: shortTime(bytes.subarray(RECORD_DATE_AT)),
    isFolder: (fields.flags & FLAG.directory) !== 0,
    isAssociated: (fields.flags & FLAG.associated) !== 0,
    isContinued: (fields.flags & FLAG.multiExtent) !== 0,
    isInterleaved: fields.file_unit_size !== 0 || fields.interleave_gap_size !== 0,
  };
}

/** The first two records of a folder name itself and its parent by a single byte. */
export function isDots({ identifier }: DirectoryRecord): boolean {
  return identifier.length === 1 && (identifier[0] as number) <= 1;
}
