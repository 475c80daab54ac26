import { type AclEntry, isNamed, toSystemAcl } from '../posix-acl.ts';
import { corrupt } from './corrupt.ts';

/** Of access lists: a version, then tag and permissions of each entry, and an id where the tag names somebody. */
const VERSION = 1;
const HEADER_SIZE = 4;
const SHORT_ENTRY_SIZE = 4;
const ENTRY_SIZE = 8;

/** An access list as the kernel shows it. @param offset of the inode or block that keeps it, for errors */
export function readAccessList(stored: Uint8Array, offset: number): Uint8Array {
  const view = new DataView(stored.buffer, stored.byteOffset, stored.byteLength);
  if (stored.length < HEADER_SIZE || view.getUint32(0, true) !== VERSION) {
    throw corrupt('Cannot read access list: unknown version', offset);
  }
  const entries: AclEntry[] = [];
  for (let position = HEADER_SIZE; position < stored.length; ) {
    const size =
      position + 2 <= stored.length && isNamed(view.getUint16(position, true)) ? ENTRY_SIZE : SHORT_ENTRY_SIZE;
    if (position + size > stored.length) throw corrupt('Cannot read access list: it ends within an entry', offset);
    entries.push({
      tag: view.getUint16(position, true),
      permissions: view.getUint16(position + 2, true),
      id: size === ENTRY_SIZE ? view.getUint32(position + 4, true) : 0,
    });
    position += size;
  }
  return toSystemAcl(entries);
}
