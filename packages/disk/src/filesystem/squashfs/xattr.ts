import { readFields } from '../../fields.ts';
import { decodeName } from '../name.ts';
import { corrupt } from './error.ts';
import {
  LARGEST_XATTR_VALUE,
  LONGEST_NAME,
  XATTR_ENTRY,
  XATTR_ENTRY_SIZE,
  XATTR_ID,
  XATTR_ID_SIZE,
  XATTR_PREFIX_MASK,
  XATTR_PREFIXES,
  XATTR_TABLE,
  XATTR_TABLE_SIZE,
  XATTR_VALUE_ELSEWHERE,
} from './layout.ts';
import { placeOf } from './superblock.ts';
import { tableEntry } from './table.ts';
import type { MetadataReader, SquashfsVolume } from './volume.ts';

const FORMAT = 'squashfs';
/** More than fit into what Linux lists of one file. */
const MOST_ATTRIBUTES = 65536;

/** The attributes that an inode names by a number: many files may share them. */
export function readXattrs(volume: SquashfsVolume, index: number): ReadonlyMap<string, Uint8Array> {
  const { xattrTable: start } = volume.superblock;
  if (start === undefined) throw corrupt(`Cannot read attributes ${index}: there is no table of attributes`, 0);
  const header = readFields(volume.read(start, XATTR_TABLE_SIZE), XATTR_TABLE, { format: FORMAT, offset: start });
  const table = {
    what: 'attributes',
    start: start + XATTR_TABLE_SIZE,
    count: header.xattr_ids,
    entrySize: XATTR_ID_SIZE,
  };
  const { xattr, count } = readFields(tableEntry(volume, table, index), XATTR_ID, { format: FORMAT, offset: start });
  if (count > MOST_ATTRIBUTES) throw corrupt(`Cannot read attributes ${index}: there are ${count}`, start);
  const reader = volume.metadata(header.xattr_table_start, placeOf(xattr));
  const attributes = new Map<string, Uint8Array>();
  for (let number = 0; number < count; number++) {
    const { name, value } = readAttribute(volume, header.xattr_table_start, reader);
    if (name !== undefined) attributes.set(name, value);
  }
  return attributes;
}

function readAttribute(volume: SquashfsVolume, values: number, reader: MetadataReader) {
  const { type, size } = readFields(reader.take(XATTR_ENTRY_SIZE), XATTR_ENTRY);
  if (size >= LONGEST_NAME) throw corrupt(`Cannot read attribute: its name has ${size} bytes`, reader.at);
  const prefix = XATTR_PREFIXES[type & XATTR_PREFIX_MASK];
  const name = prefix && `${prefix}${decodeName(reader.take(size))}`;
  // Linux passes over prefixes that it does not know
  if (name === undefined) reader.take(size);
  const stored = readValue(reader);
  if ((type & XATTR_VALUE_ELSEWHERE) === 0) return { name, value: stored };
  const { place } = readFields(stored, { place: [0, 'bits64'] }, { format: FORMAT, offset: reader.at });
  return { name, value: readValue(volume.metadata(values, placeOf(place))) };
}

function readValue(reader: MetadataReader): Uint8Array {
  const { length } = readFields(reader.take(4), { length: [0, 'u32'] });
  if (length > LARGEST_XATTR_VALUE) throw corrupt(`Cannot read attribute: its value has ${length} bytes`, reader.at);
  return reader.take(length).slice();
}
