import { readFields } from '../../fields.ts';
import { readGuid } from '../../guid.ts';
import { hex } from '../../hex.ts';
import { corrupt, unsupported } from './error.ts';
import { LOCATOR, LOCATOR_ENTRIES_AT, LOCATOR_ENTRY, LOCATOR_ENTRY_SIZE, LOCATOR_TYPE_VHDX } from './layout.ts';
import type { MetadataItem } from './metadata.ts';

/** Keys of what a differencing disk says of its parent: `relative_path`, `parent_linkage` … */
export type ParentLocator = ReadonlyMap<string, string>;

export function readParentLocator({ bytes, offset }: MetadataItem): ParentLocator {
  const { KeyValueCount } = readFields(bytes, LOCATOR, { format: 'vhdx', offset });
  const type = readGuid(bytes);
  if (type !== LOCATOR_TYPE_VHDX) throw unsupported('parent locator', `its type is ${type}, expected VHDX`, offset);
  const values = new Map<string, string>();
  for (let index = 0; index < KeyValueCount; index++) {
    const at = LOCATOR_ENTRIES_AT + index * LOCATOR_ENTRY_SIZE;
    const entry = readFields(bytes.subarray(at), LOCATOR_ENTRY, { format: 'vhdx', offset: offset + at });
    const key = text(bytes, entry.KeyOffset, entry.KeyLength, offset + at);
    if (values.has(key)) throw corrupt('parent locator', `it has a key twice`, offset + at);
    values.set(key, text(bytes, entry.ValueOffset, entry.ValueLength, offset + at));
  }
  return values;
}

function text(bytes: Uint8Array, start: number, length: number, at: number): string {
  if (start + length > bytes.length) {
    const state = `${length} bytes at ${hex(start)} are named, it has ${hex(bytes.length)}`;
    throw corrupt('parent locator', state, at);
  }
  return new TextDecoder('utf-16le').decode(bytes.subarray(start, start + length));
}
