import { crc32c } from '../../crc32c.ts';
import { readFields } from '../../fields.ts';
import { corrupt } from './error.ts';
import { type Key, readKey, writeKey } from './key.ts';
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

/** The bytes of an item with these names. */
export function encodeDirItems(entries: readonly DirItem[]): Uint8Array {
  const sizes = entries.map(({ name, value }) => DIR_SIZE + name.length + value.length);
  const bytes = new Uint8Array(sizes.reduce((total, size) => total + size, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [index, { location, type, name, value }] of entries.entries()) {
    writeKey(view, at, location);
    view.setUint16(at + DIR.data_len[0], value.length, true);
    view.setUint16(at + DIR.name_len[0], name.length, true);
    view.setUint8(at + DIR.type[0], type);
    bytes.set(name, at + DIR_SIZE);
    bytes.set(value, at + DIR_SIZE + name.length);
    at += sizes[index] as number;
  }
  return bytes;
}

/** What the key of an item says of the names in it. */
export function hashName(name: Uint8Array): number {
  return crc32c(0xfffffffe, name);
}

export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
