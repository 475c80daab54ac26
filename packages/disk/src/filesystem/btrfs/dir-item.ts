import { crc32c } from '../../crc32c.ts';
import { readFields } from '../../fields.ts';
import { corrupt } from './error.ts';
import { type Key, readKey } from './key.ts';
import { DIR, DIR_SIZE } from './layout.ts';
import type { Item } from './tree-block.ts';

/** A name in a folder, or an attribute with its value. */
export interface DirItem {
  /** The key of what is named: an inode, or the root of a subvolume. */
  readonly location: Key;
  readonly type: number;
  readonly name: Uint8Array;
  readonly value: Uint8Array;
}

/** Names whose hashes are the same share one item. */
export function* readDirItems({ bytes, offset }: Item): Generator<DirItem> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length; ) {
    const { name_len, data_len, type } = readFields(bytes.subarray(at), DIR, { format: 'btrfs', offset: offset + at });
    const nameStart = at + DIR_SIZE;
    const end = nameStart + name_len + data_len;
    if (end > bytes.length) throw corrupt('Cannot read name: it reaches past its item', offset + at);
    yield {
      location: readKey(view, at),
      type,
      name: bytes.subarray(nameStart, nameStart + name_len),
      value: bytes.subarray(nameStart + name_len, end),
    };
    at = end;
  }
}

/** What the key of an item says of the names in it. */
export function hashName(name: Uint8Array): number {
  return crc32c(0xfffffffe, name);
}

export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
