import { type AclEntry, toSystemAcl } from '../posix-acl.ts';
import { corrupt } from './corrupt.ts';
import type { Inode } from './inode.ts';

// stored: a count, then tag, id and permissions of each entry, big-endian
const STORED_HEADER_SIZE = 4;
const STORED_ENTRY_SIZE = 12;

/** An access list in the form of `system.posix_acl_access`. */
export function readAccessList(stored: Uint8Array, { number, offset }: Inode): Uint8Array {
  const from = new DataView(stored.buffer, stored.byteOffset, stored.byteLength);
  const count = stored.length < STORED_HEADER_SIZE ? -1 : from.getUint32(0);
  if (stored.length !== STORED_HEADER_SIZE + count * STORED_ENTRY_SIZE) {
    const state = `${count} entries in ${stored.length} bytes`;
    throw corrupt(`Cannot read access list of inode ${number}: ${state}`, offset);
  }
  const entries = Array.from({ length: count }, (_, index): AclEntry => {
    const entry = STORED_HEADER_SIZE + index * STORED_ENTRY_SIZE;
    return { tag: from.getUint32(entry), permissions: from.getUint16(entry + 8), id: from.getUint32(entry + 4) };
  });
  return toSystemAcl(entries);
}
