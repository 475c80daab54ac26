// How the kernel shows access lists: a version, then tag, permissions and id of each entry, little-endian
const VERSION = 2;
const HEADER_SIZE = 4;
const ENTRY_SIZE = 8;
/** Tags of entries for one user or group: others have no id. */
const NAMED_TAGS: readonly number[] = [0x02, 0x08];
const NO_ID = 0xffffffff;

export interface AclEntry {
  readonly tag: number;
  readonly permissions: number;
  /** Of no meaning where the tag names nobody. */
  readonly id: number;
}

export function isNamed(tag: number): boolean {
  return NAMED_TAGS.includes(tag);
}

/** An access list in the form of `system.posix_acl_access`, whatever form the filesystem keeps it in. */
export function toSystemAcl(entries: readonly AclEntry[]): Uint8Array {
  const shown = new Uint8Array(HEADER_SIZE + entries.length * ENTRY_SIZE);
  const view = new DataView(shown.buffer);
  view.setUint32(0, VERSION, true);
  for (const [index, { tag, permissions, id }] of entries.entries()) {
    const place = HEADER_SIZE + index * ENTRY_SIZE;
    view.setUint16(place, tag, true);
    view.setUint16(place + 2, permissions, true);
    view.setUint32(place + 4, isNamed(tag) ? id : NO_ID, true);
  }
  return shown;
}
