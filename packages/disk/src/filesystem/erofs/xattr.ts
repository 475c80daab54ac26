import { readFields } from '../../fields.ts';
import { decodeName } from '../name.ts';
import { corrupt } from './error.ts';
import { openContent } from './file-content.ts';
import { type Inode, readInode } from './inode.ts';
import {
  XATTR_ENTRY,
  XATTR_ENTRY_SIZE,
  XATTR_HEADER,
  XATTR_HEADER_SIZE,
  XATTR_LONG_PREFIX,
  XATTR_PREFIXES,
} from './layout.ts';
import type { ErofsVolume } from './volume.ts';

const SHARED_ID_SIZE = 4;

interface Xattr {
  /** `undefined` for a prefix that is not known: Linux passes over those. */
  readonly name: string | undefined;
  readonly value: Uint8Array;
  /** Up to the next one. */
  readonly length: number;
}

/** The attributes of an inode: those that many have in common by their numbers, then its own. */
export function readXattrs(volume: ErofsVolume, { xattrs, at }: Inode): ReadonlyMap<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  if (xattrs.length === 0) return found;
  const area = volume.read(xattrs.at, xattrs.length);
  const { h_shared_count } = readFields(area, XATTR_HEADER, { format: 'erofs', offset: xattrs.at });
  const ownAt = XATTR_HEADER_SIZE + h_shared_count * SHARED_ID_SIZE;
  if (ownAt > area.length) throw corrupt(`Cannot read attributes: ${h_shared_count} shared ones do not fit`, at);
  for (let offset = XATTR_HEADER_SIZE; offset < ownAt; offset += SHARED_ID_SIZE) {
    const { id } = readFields(area.subarray(offset), { id: [0, 'u32'] });
    keep(found, readShared(volume, id));
  }
  for (let offset = ownAt; offset + XATTR_ENTRY_SIZE <= area.length; ) {
    const xattr = parseXattr(volume, area.subarray(offset), xattrs.at + offset);
    keep(found, xattr);
    offset += xattr.length;
  }
  return found;
}

function keep(found: Map<string, Uint8Array>, { name, value }: Xattr): void {
  if (name !== undefined) found.set(name, value);
}

function readShared(volume: ErofsVolume, id: number): Xattr {
  const at = volume.superblock.sharedXattrsAt + id * SHARED_ID_SIZE;
  const { e_name_len, e_value_size } = readFields(volume.read(at, XATTR_ENTRY_SIZE), XATTR_ENTRY);
  return parseXattr(volume, volume.read(at, XATTR_ENTRY_SIZE + e_name_len + e_value_size), at);
}

function parseXattr(volume: ErofsVolume, bytes: Uint8Array, at: number): Xattr {
  const { e_name_len, e_name_index, e_value_size } = readFields(bytes, XATTR_ENTRY);
  const nameEnd = XATTR_ENTRY_SIZE + e_name_len;
  const end = nameEnd + e_value_size;
  if (end > bytes.length) throw corrupt(`Cannot read attribute: it has ${end} bytes of ${bytes.length}`, at);
  const prefix = prefixOf(volume, e_name_index);
  const name = prefix === undefined ? undefined : prefix + decodeName(bytes.subarray(XATTR_ENTRY_SIZE, nameEnd));
  return { name, value: bytes.slice(nameEnd, end), length: Math.ceil(end / 4) * 4 };
}

function prefixOf(volume: ErofsVolume, index: number): string | undefined {
  return (index & XATTR_LONG_PREFIX) === 0 ? XATTR_PREFIXES[index] : longPrefix(volume, index & ~XATTR_LONG_PREFIX);
}

/** Prefixes that the image names: each has a length, a prefix that it goes on from, and how. */
function longPrefix(volume: ErofsVolume, index: number): string | undefined {
  const { xattrPrefixes, packed } = volume.superblock;
  if (index >= xattrPrefixes.count) return undefined;
  const source = packed === 0 ? volume.source : openContent(volume, readInode(volume, packed));
  let at = xattrPrefixes.at;
  for (let passed = 0; passed < index; passed++) at = Math.ceil((at + 2 + lengthAt(at)) / 4) * 4;
  const [base = 0, ...infix] = source.read(at + 2, lengthAt(at));
  const prefix = XATTR_PREFIXES[base];
  return prefix === undefined ? undefined : prefix + decodeName(Uint8Array.from(infix));

  function lengthAt(offset: number): number {
    return readFields(source.read(offset, 2), { length: [0, 'u16'] }).length;
  }
}
