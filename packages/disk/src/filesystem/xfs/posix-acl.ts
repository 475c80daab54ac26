import { corrupt } from './corrupt.ts';
import type { Inode } from './inode.ts';

// stored: a count, then tag, id and permissions of each entry, big-endian
const STORED_HEADER_SIZE = 4;
const STORED_ENTRY_SIZE = 12;
// shown: a version, then tag, permissions and id of each entry, little-endian
const SHOWN_VERSION = 2;
const SHOWN_HEADER_SIZE = 4;
const SHOWN_ENTRY_SIZE = 8;
/** Tags of entries for one user or group: others have no id. */
const NAMED_TAGS: readonly number[] = [0x02, 0x08];
const NO_ID = 0xffffffff;

/** An access list in the form of `system.posix_acl_access`. */
export function toSystemAcl(stored: Uint8Array, { number, offset }: Inode): Uint8Array {
  const from = new DataView(stored.buffer, stored.byteOffset, stored.byteLength);
  const count = stored.length < STORED_HEADER_SIZE ? -1 : from.getUint32(0);
  if (stored.length !== STORED_HEADER_SIZE + count * STORED_ENTRY_SIZE) {
    const state = `${count} entries in ${stored.length} bytes`;
    throw corrupt(`Cannot read access list of inode ${number}: ${state}`, offset);
  }
  const shown = new Uint8Array(SHOWN_HEADER_SIZE + count * SHOWN_ENTRY_SIZE);
  const to = new DataView(shown.buffer);
  to.setUint32(0, SHOWN_VERSION, true);
  for (let index = 0; index < count; index++) {
    const entry = STORED_HEADER_SIZE + index * STORED_ENTRY_SIZE;
    const place = SHOWN_HEADER_SIZE + index * SHOWN_ENTRY_SIZE;
    const tag = from.getUint32(entry);
    to.setUint16(place, tag, true);
    to.setUint16(place + 2, from.getUint16(entry + 8), true);
    to.setUint32(place + 4, NAMED_TAGS.includes(tag) ? from.getUint32(entry + 4) : NO_ID, true);
  }
  return shown;
}
