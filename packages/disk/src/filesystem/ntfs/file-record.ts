import { type Fields, readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import { type Attribute, readAttributes } from './attribute.ts';
import { corrupt } from './corrupt.ts';
import { undoFixUps } from './fix-up.ts';
import { FILE_RECORD, RECORD_FLAG } from './layout.ts';

/** A record of the file table: a file, or what did not fit into the first record of one. */
export interface FileRecord {
  readonly number: number;
  /** Where on the volume it is. */
  readonly offset: number;
  readonly sequence: number;
  readonly isFolder: boolean;
  /** How many names it has, those for DOS among them. */
  readonly links: number;
  /** The file that the record continues. */
  readonly base: FileReference | undefined;
  readonly attributes: readonly Attribute[];
}

/** A record and how often it had been used when it was named; 0 is not checked. */
export interface FileReference {
  readonly number: number;
  readonly sequence: number;
}

/** @throws DiskError `corrupt` when the record is torn, free, or its attributes do not fit into it */
export function readFileRecord(stored: Uint8Array, number: number, offset: number): FileRecord {
  const bytes = undoFixUps(stored, 'FILE', offset);
  const fields = readFields(bytes, FILE_RECORD, { format: 'ntfs', offset });
  if ((fields.flags & RECORD_FLAG.IN_USE) === 0)
    throw corrupt(`Cannot read file record ${number}: it is not in use`, offset);
  if (fields.bytes_in_use > bytes.length) {
    const state = `${hex(fields.bytes_in_use)} of ${hex(bytes.length)} bytes are in use`;
    throw corrupt(`Cannot read file record ${number}: ${state}`, offset + FILE_RECORD.bytes_in_use[0]);
  }
  return {
    number,
    offset,
    sequence: fields.sequence_number,
    isFolder: (fields.flags & RECORD_FLAG.DIRECTORY) !== 0,
    links: fields.link_count,
    base: baseOf(fields),
    attributes: readAttributes(bytes.subarray(0, fields.bytes_in_use), fields.attrs_offset, offset),
  };
}

function baseOf(fields: Fields<typeof FILE_RECORD>): FileReference | undefined {
  const number = fields.base_mft_record + fields.base_mft_record_high * 2 ** 32;
  return number === 0 && fields.base_sequence === 0 ? undefined : { number, sequence: fields.base_sequence };
}
