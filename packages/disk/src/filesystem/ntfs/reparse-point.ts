import { readFields } from '../../fields.ts';
import { corrupt } from './corrupt.ts';
import type { NtfsFile } from './file.ts';
import { ATTRIBUTE_TYPE, MAX_REPARSE_BYTES, REPARSE_POINT, REPARSE_POINT_SIZE } from './layout.ts';

/** What says that a file is not what it seems: a link, or content that is kept in another way. */
export interface ReparsePoint {
  readonly tag: number;
  /** What it means depends on the tag. */
  readonly data: Uint8Array;
  readonly offset: number;
}

export function readReparsePoint(file: NtfsFile): ReparsePoint | undefined {
  const stored = file.value(ATTRIBUTE_TYPE.REPARSE_POINT, MAX_REPARSE_BYTES);
  if (stored === undefined) return undefined;
  const offset = file.find(ATTRIBUTE_TYPE.REPARSE_POINT)?.offset ?? file.record.offset;
  const { tag, data_length } = readFields(stored, REPARSE_POINT, { format: 'ntfs', offset });
  const data = stored.subarray(REPARSE_POINT_SIZE, REPARSE_POINT_SIZE + data_length);
  if (data.length === data_length) return { tag, data, offset };
  throw corrupt(`Cannot read reparse point: it has ${data.length} bytes, expected ${data_length}`, offset);
}
