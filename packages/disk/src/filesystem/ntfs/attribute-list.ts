import { readFields } from '../../fields.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { corrupt } from './corrupt.ts';
import type { FileReference } from './file-record.ts';
import { ATTRIBUTE_LIST_ENTRY, ATTRIBUTE_LIST_ENTRY_SIZE, MAX_ATTRIBUTE_LIST_BYTES } from './layout.ts';

/** Where an attribute, or a piece of one, is that did not fit into the first record of a file. */
export interface ListedAttribute {
  readonly type: number;
  readonly record: FileReference;
}

/** @param offset of the attribute list, for errors */
export function readAttributeList(list: ByteSource, offset: number): ListedAttribute[] {
  if (list.sizeBytes > MAX_ATTRIBUTE_LIST_BYTES) {
    const state = `it has ${list.sizeBytes} bytes, expected at most ${MAX_ATTRIBUTE_LIST_BYTES}`;
    throw corrupt(`Cannot read attribute list: ${state}`, offset);
  }
  const bytes = list.read(0, list.sizeBytes);
  const listed: ListedAttribute[] = [];
  for (let at = 0; at + ATTRIBUTE_LIST_ENTRY_SIZE <= bytes.length; ) {
    const entry = readFields(bytes.subarray(at), ATTRIBUTE_LIST_ENTRY, { format: 'ntfs', offset });
    if (entry.length < ATTRIBUTE_LIST_ENTRY_SIZE) {
      throw corrupt(`Cannot read attribute list: an entry of ${entry.length} bytes at ${at}`, offset);
    }
    const number = entry.mft_reference + entry.mft_reference_high * 2 ** 32;
    listed.push({ type: entry.type, record: { number, sequence: entry.mft_sequence } });
    at += entry.length;
  }
  return listed;
}
