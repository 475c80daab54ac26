import { readFields } from '../../../fields.ts';
import { type DirItem, encodeDirItems, hashName, readDirItems, sameBytes } from '../dir-item.ts';
import { encodeInodeRefs, inodeRefsOf, readInodeRefs } from '../inode-ref.ts';
import { compareKeys, key, LAST_OFFSET } from '../key.ts';
import { DIR_TYPE, INODE, ITEM } from '../layout.ts';
import type { Item } from '../tree-block.ts';
import type { OverlayTree } from './overlay-tree.ts';

/** A name and its place in a folder. */
export interface Place {
  readonly folder: number;
  readonly index: number;
  readonly name: Uint8Array;
}

/** The names in the folders of a tree of files. Each is kept three times: by hash, by order, and with the inode. */
export class Names {
  readonly #files: OverlayTree;
  /** Inodes that lost or gained a name. */
  readonly relinked = new Set<number>();
  /** Folders that lost or gained one. */
  readonly folders = new Set<number>();

  constructor(files: OverlayTree) {
    this.#files = files;
  }

  byHash(folder: number, name: Uint8Array): DirItem | undefined {
    const item = this.#files.find(key(folder, ITEM.DIR, hashName(name)));
    return item && [...readDirItems(item)].find((entry) => sameBytes(entry.name, name));
  }

  byIndex({ folder, index, name }: Place): DirItem | undefined {
    const item = this.#files.find(key(folder, ITEM.DIR_INDEX, index));
    return item && [...readDirItems(item)].find((entry) => sameBytes(entry.name, name));
  }

  add({ folder, index, name }: Place, { location, type }: Pick<DirItem, 'location' | 'type'>): void {
    const entry = { location, type, name, value: new Uint8Array() };
    const byHash = key(folder, ITEM.DIR, hashName(name));
    const item = this.#files.find(byHash);
    const others = item === undefined ? [] : [...readDirItems(item)].filter((known) => !sameBytes(known.name, name));
    this.#files.set(byHash, encodeDirItems([...others, entry]));
    this.#files.set(key(folder, ITEM.DIR_INDEX, index), encodeDirItems([entry]));
    this.folders.add(folder);
  }

  /** Takes a name away wherever it is kept, if it leads to an inode. */
  remove(folder: number, name: Uint8Array): void {
    const entry = this.byHash(folder, name);
    if (entry?.location.type !== ITEM.INODE) return;
    const inode = entry.location.objectId;
    this.#removeEntry(this.#files.find(key(folder, ITEM.DIR, hashName(name))), name);
    for (const item of this.#indexItems(folder, inode, name)) this.#removeEntry(item, name);
    this.#removeReference(inode, folder, name);
    this.folders.add(folder);
    this.relinked.add(inode);
  }

  /** Where a name is in the order of its folder: as the inode says, or else by looking through all. */
  #indexItems(folder: number, inode: number, name: Uint8Array): readonly Item[] {
    const known = [...inodeRefsOf(this.#files, inode)].find(
      (reference) => reference.parent === folder && sameBytes(reference.name, name),
    );
    const item = known && this.#files.find(key(folder, ITEM.DIR_INDEX, known.index));
    if (item !== undefined) return [item];
    return [...this.#files.scan(key(folder, ITEM.DIR_INDEX, 0), key(folder, ITEM.DIR_INDEX, LAST_OFFSET))];
  }

  #removeEntry(item: Item | undefined, name: Uint8Array): void {
    if (item === undefined) return;
    const entries = [...readDirItems(item)];
    const left = entries.filter((entry) => !sameBytes(entry.name, name));
    if (left.length === 0) this.#files.delete(item.key);
    else if (left.length < entries.length) this.#files.set(item.key, encodeDirItems(left));
  }

  #removeReference(inode: number, folder: number, name: Uint8Array): void {
    for (const type of [ITEM.INODE_REF, ITEM.INODE_EXTREF]) {
      const items = [...this.#files.scan(key(inode, type, 0), key(inode, type, LAST_OFFSET))];
      for (const item of items) {
        const references = [...readInodeRefs(item)];
        const left = references.filter((known) => known.parent !== folder || !sameBytes(known.name, name));
        if (left.length === 0) this.#files.delete(item.key);
        else if (left.length < references.length) this.#files.set(item.key, encodeInodeRefs(type, left));
      }
    }
  }
}

export function leadsToSame(one: DirItem | undefined, other: DirItem): boolean {
  return one !== undefined && one.type === other.type && compareKeys(one.location, other.location) === 0;
}

/** The type of an inode as entries say it. */
export function entryTypeOf({ bytes, offset }: Item): number {
  return DIR_TYPE[(readFields(bytes, INODE, { format: 'btrfs', offset }).mode >>> 12) & 0xf] ?? 0;
}
