import { readFields } from '../../fields.ts';
import { corrupt } from './error.ts';
import { ENTRY_HEADER, ENTRY_HEADER_SIZE } from './layout.ts';

/** One datum of the metadata, of a key file, or of a datum. */
export interface Entry {
  readonly type: number;
  readonly valueType: number;
  /** What follows its header. */
  readonly value: Uint8Array;
}

/** The data that lie one after another, to the end of `bytes` or to an empty one. `offset` is where they are, for errors. */
export function readEntries(bytes: Uint8Array, offset: number): readonly Entry[] {
  const entries: Entry[] = [];
  for (let at = 0; at + ENTRY_HEADER_SIZE <= bytes.length; ) {
    const { size, type, valueType } = readFields(bytes.subarray(at), ENTRY_HEADER, { format: 'bitlocker', offset });
    if (size === 0) break;
    if (size < ENTRY_HEADER_SIZE || at + size > bytes.length) {
      throw corrupt(
        'metadata',
        `an entry of ${size} bytes does not fit into the ${bytes.length - at} left`,
        offset + at,
      );
    }
    entries.push({ type, valueType, value: bytes.subarray(at + ENTRY_HEADER_SIZE, at + size) });
    at += size;
  }
  return entries;
}

export function findValue(entries: readonly Entry[], valueType: number): Uint8Array | undefined {
  return entries.find((entry) => entry.valueType === valueType)?.value;
}
