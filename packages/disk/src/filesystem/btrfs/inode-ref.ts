import { type Layout, readFields } from '../../fields.ts';
import { corrupt } from './error.ts';
import { key, LAST_OFFSET } from './key.ts';
import { INODE_EXTREF, INODE_EXTREF_SIZE, INODE_REF, INODE_REF_SIZE, ITEM, ROOT_FOLDER } from './layout.ts';
import type { ItemTree } from './tree.ts';
import type { Item } from './tree-block.ts';

/** A name of an inode, as the inode keeps it. */
export interface InodeRef {
  readonly parent: number;
  /** Of the entry in the folder. */
  readonly index: number;
  readonly name: Uint8Array;
}

/** Names of an inode in one folder; or, where hashes are the same, in several. */
export function* readInodeRefs(item: Item): Generator<InodeRef> {
  const { key: itemKey, bytes, offset } = item;
  const isExtended = itemKey.type === ITEM.INODE_EXTREF;
  const headerSize = isExtended ? INODE_EXTREF_SIZE : INODE_REF_SIZE;
  for (let at = 0; at < bytes.length; ) {
    const read = <L extends Layout>(layout: L) =>
      readFields(bytes.subarray(at), layout, { format: 'btrfs', offset: offset + at });
    const { index, name_len: length } = isExtended ? read(INODE_EXTREF) : read(INODE_REF);
    const parent = isExtended ? read(INODE_EXTREF).parent_objectid : itemKey.offset;
    const start = at + headerSize;
    if (start + length > bytes.length)
      throw corrupt('Cannot read name of inode: it reaches past its item', offset + at);
    yield { parent, index, name: bytes.subarray(start, start + length) };
    at = start + length;
  }
}

/** The bytes of an item with these names; those of an item of one folder do not say which. */
export function encodeInodeRefs(type: number, references: readonly InodeRef[]): Uint8Array {
  const layout = type === ITEM.INODE_EXTREF ? INODE_EXTREF : INODE_REF;
  const headerSize = type === ITEM.INODE_EXTREF ? INODE_EXTREF_SIZE : INODE_REF_SIZE;
  return Buffer.concat(
    references.map(({ parent, index, name }) => {
      const bytes = Buffer.alloc(headerSize + name.length);
      if (type === ITEM.INODE_EXTREF) bytes.writeBigInt64LE(BigInt(parent), INODE_EXTREF.parent_objectid[0]);
      bytes.writeBigInt64LE(BigInt(index), layout.index[0]);
      bytes.writeUInt16LE(name.length, layout.name_len[0]);
      bytes.set(name, headerSize);
      return bytes;
    }),
  );
}

/** All names of an inode. */
export function* inodeRefsOf(tree: ItemTree, inode: number): Generator<InodeRef> {
  for (const type of [ITEM.INODE_REF, ITEM.INODE_EXTREF]) {
    for (const item of tree.scan(key(inode, type, 0), key(inode, type, LAST_OFFSET))) yield* readInodeRefs(item);
  }
}

const DEEPEST_FOLDER = 4096;

/** The names on the way from the root of a tree of files to a folder in it. */
export function pathOfFolder(tree: ItemTree, folder: number): readonly Uint8Array[] {
  const names: Uint8Array[] = [];
  for (let current = folder; current !== ROOT_FOLDER; ) {
    const [reference] = inodeRefsOf(tree, current);
    if (reference === undefined || names.length >= DEEPEST_FOLDER) {
      throw corrupt(`Cannot tell the path of inode ${folder}: it does not lead to the root`, 0);
    }
    names.push(reference.name);
    current = reference.parent;
  }
  return names.reverse();
}
