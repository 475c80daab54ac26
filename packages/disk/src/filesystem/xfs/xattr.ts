import { decodeName } from '../name.ts';
import { type Attribute, readAttributes } from './attribute.ts';
import { has } from './features.ts';
import type { Inode } from './inode.ts';
import { ATTRIBUTE_FLAG } from './layout.ts';
import { readAccessList } from './posix-acl.ts';
import type { XfsVolume } from './volume.ts';

/** Access lists are shown twice, as the kernel does: as they are stored, and in the form that all filesystems share. */
const ACCESS_LISTS: ReadonlyMap<string, string> = new Map([
  ['trusted.SGI_ACL_FILE', 'system.posix_acl_access'],
  ['trusted.SGI_ACL_DEFAULT', 'system.posix_acl_default'],
]);

/** The attributes of an inode by full name. */
export function readXattrs(volume: XfsVolume, inode: Inode): ReadonlyMap<string, Uint8Array> {
  const xattrs = new Map<string, Uint8Array>();
  for (const attribute of readAttributes(volume, inode)) {
    const name = prefixOf(attribute) + decodeName(attribute.name);
    xattrs.set(name, attribute.value);
    const shared = ACCESS_LISTS.get(name);
    if (shared !== undefined) xattrs.set(shared, readAccessList(attribute.value, inode));
  }
  return xattrs;
}

function prefixOf({ flags }: Attribute): string {
  if (has(flags, ATTRIBUTE_FLAG.ROOT)) return 'trusted.';
  return has(flags, ATTRIBUTE_FLAG.SECURE) ? 'security.' : 'user.';
}
