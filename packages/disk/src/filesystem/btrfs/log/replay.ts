import { readFields } from '../../../fields.ts';
import { typeOfMode } from '../../unix-mode.ts';
import { encodeDirItems, readDirItems, sameBytes } from '../dir-item.ts';
import { unsupported } from '../error.ts';
import { type InodeRef, inodeRefsOf, readInodeRefs } from '../inode-ref.ts';
import { type Key, key, LAST_OFFSET, readId } from '../key.ts';
import { INODE, INODE_SIZE, ITEM } from '../layout.ts';
import type { ItemTree } from '../tree.ts';
import type { Item } from '../tree-block.ts';
import { dropExtents, extentEnd, isHole } from './extents.ts';
import { entryTypeOf, leadsToSame, Names } from './names.ts';
import { OverlayTree } from './overlay-tree.ts';

export interface LogReplay {
  /** The tree of files as it was committed last. */
  readonly files: ItemTree;
  /** What was fsynced of it since. */
  readonly log: ItemTree;
  readonly sectorSize: number;
  readonly hasImplicitHoles: boolean;
}

/** A tree of files with what was fsynced, as Linux makes it when it mounts (fs/btrfs/tree-log.c). @throws DiskError */
export function replayLog(replay: LogReplay): ItemTree {
  return new Replay(replay).run();
}

/** Logs are written anew with every commit, seconds apart: a longer one was made to keep a reader busy. */
const MOST_ITEMS = 200_000;
const FIRST_KEY: Key = { objectId: 0, type: 0, offset: 0 };
const LAST_KEY: Key = { objectId: -1, type: 0xff, offset: LAST_OFFSET };

class Replay {
  readonly #files: OverlayTree;
  readonly #log: ItemTree;
  readonly #options: LogReplay;
  readonly #names: Names;
  readonly #relinked: Set<number>;

  constructor(options: LogReplay) {
    this.#files = new OverlayTree(options.files);
    this.#log = options.log;
    this.#options = options;
    this.#names = new Names(this.#files);
    this.#relinked = this.#names.relinked;
  }

  /** Inodes first, for names lead to them; then names by their order, then all the rest. */
  run(): ItemTree {
    const items = this.#itemsOfLog();
    for (const item of items) if (item.key.type === ITEM.INODE) this.#replayInode(item);
    for (const item of items) if (item.key.type === ITEM.DIR_INDEX) this.#replayName(item);
    for (const item of items) this.#replayRest(item);
    for (const inode of this.#relinked) this.#countLinks(inode);
    for (const folder of this.#names.folders) this.#measureFolder(folder);
    return this.#files;
  }

  /** Without those of inodes that had no name any more. */
  #itemsOfLog(): Item[] {
    const items: Item[] = [];
    const nameless = new Set<number>();
    for (const item of this.#log.scan(FIRST_KEY, LAST_KEY)) {
      if (items.length >= MOST_ITEMS)
        throw unsupported(`Cannot replay log: more than ${MOST_ITEMS} items`, item.offset);
      if (item.key.type === ITEM.INODE && inodeFields(item).nlink === 0) nameless.add(item.key.objectId);
      if (!nameless.has(item.key.objectId)) items.push(item);
    }
    return items;
  }

  #replayInode(item: Item): void {
    const inode = item.key.objectId;
    const type = typeOfMode(inodeFields(item).mode);
    this.#deleteXattrs(inode);
    if (type === 'directory') this.#deleteNames(inode);
    this.#overwriteInode(item, type === 'directory');
    if (type === 'file') this.#truncate(inode);
    this.#relinked.add(inode);
  }

  /** The log has all attributes of an inode that it has. */
  #deleteXattrs(inode: number): void {
    for (const item of [...this.#files.scan(key(inode, ITEM.XATTR, 0), key(inode, ITEM.XATTR, LAST_OFFSET))]) {
      const logged = this.#log.find(item.key);
      const names = logged === undefined ? [] : [...readDirItems(logged)].map(({ name }) => name);
      const left = [...readDirItems(item)].filter((xattr) => names.some((name) => sameBytes(name, xattr.name)));
      if (left.length === 0) this.#files.delete(item.key);
      else this.#files.set(item.key, encodeDirItems(left));
    }
  }

  /** Within the ranges that the log covers, what it does not name was deleted. */
  #deleteNames(folder: number): void {
    for (const { key: range, bytes } of this.#log.scan(
      key(folder, ITEM.DIR_LOG_INDEX, 0),
      key(folder, ITEM.DIR_LOG_INDEX, LAST_OFFSET),
    )) {
      if (bytes.length < 8) continue;
      const end = readId(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0);
      const [from, to] = [key(folder, ITEM.DIR_INDEX, range.offset), key(folder, ITEM.DIR_INDEX, end)];
      for (const item of [...this.#files.scan(from, to)]) this.#deleteUnlogged(item);
    }
  }

  #deleteUnlogged(item: Item): void {
    const logged = this.#log.find(item.key);
    const names = logged === undefined ? [] : [...readDirItems(logged)].map(({ name }) => name);
    for (const { name } of readDirItems(item)) {
      if (!names.some((kept) => sameBytes(kept, name))) this.#names.remove(item.key.objectId, name);
    }
  }

  #overwriteInode(item: Item, isFolder: boolean): void {
    const known = this.#files.find(item.key);
    const logged = inodeFields(item);
    // logged only to say that it exists: what is known of it is newer
    if (known !== undefined && logged.generation === 0) {
      if (!isFolder && logged.size !== 0) this.#set(known, INODE.size[0], item.bytes.subarray(INODE.size[0], 24));
      return;
    }
    this.#files.set(item.key, item.bytes);
    // the size of a folder follows from its names
    if (isFolder) this.#names.folders.add(item.key.objectId);
  }

  /** What was written behind the size was cut off. */
  #truncate(inode: number): void {
    const item = this.#files.find(key(inode, ITEM.INODE, 0));
    if (item === undefined) return;
    const { sectorSize } = this.#options;
    const end = Math.ceil(inodeFields(item).size / sectorSize) * sectorSize;
    dropExtents(this.#files, inode, { start: end, end: Number.MAX_SAFE_INTEGER });
  }

  #replayName(item: Item): void {
    const [entry] = readDirItems(item);
    const folder = item.key.objectId;
    if (entry === undefined || !this.#hasInode(folder)) return;
    const { location, name, type } = entry;
    const place = { folder, index: item.key.offset, name };
    const [byHash, byIndex] = [this.#names.byHash(folder, name), this.#names.byIndex(place)];
    if (leadsToSame(byHash, entry) && leadsToSame(byIndex, entry)) return;
    if (byHash !== undefined && !leadsToSame(byHash, entry)) this.#names.remove(folder, name);
    // the inode brings the name along
    if (this.#isReferenceLogged(location.objectId, folder, name)) return;
    if (location.type === ITEM.INODE && !this.#hasInode(location.objectId)) return;
    this.#names.add(place, { location, type });
    if (location.type === ITEM.INODE) this.#relinked.add(location.objectId);
  }

  #replayRest(item: Item): void {
    const { type } = item.key;
    if (type === ITEM.XATTR) this.#files.set(item.key, item.bytes);
    if (type === ITEM.INODE_REF || type === ITEM.INODE_EXTREF) this.#replayReferences(item);
    if (type === ITEM.EXTENT_DATA) this.#replayExtent(item);
  }

  #replayReferences(item: Item): void {
    const inode = item.key.objectId;
    const logged = [...readInodeRefs(item)].filter(({ parent }) => this.#hasInode(parent));
    const known = this.#files.find(key(inode, ITEM.INODE, 0));
    if (known === undefined || logged.length === 0) return;
    for (const reference of logged) this.#replayReference(inode, reference, entryTypeOf(known));
    const old = this.#files.find(item.key);
    for (const { parent, name } of old === undefined ? [] : [...readInodeRefs(old)]) {
      const isKept = logged.some((reference) => reference.parent === parent && sameBytes(reference.name, name));
      if (!isKept) this.#names.remove(parent, name);
    }
    this.#files.set(item.key, item.bytes);
    this.#relinked.add(inode);
  }

  #replayReference(inode: number, { parent, index, name }: InodeRef, type: number): void {
    const place = { folder: parent, index, name };
    const entry = { location: key(inode, ITEM.INODE, 0), type, name, value: new Uint8Array() };
    const isThere = [this.#names.byHash(parent, name), this.#names.byIndex(place)].every((at) =>
      leadsToSame(at, entry),
    );
    if (isThere) return;
    const victims = this.#files.find(key(inode, ITEM.INODE_REF, parent));
    for (const victim of victims === undefined ? [] : [...readInodeRefs(victims)]) {
      if (!this.#isReferenceLogged(inode, parent, victim.name)) this.#names.remove(parent, victim.name);
    }
    this.#names.remove(parent, name);
    this.#names.add(place, entry);
  }

  #replayExtent(item: Item): void {
    const { objectId: inode, offset: start } = item.key;
    if (!this.#hasInode(inode)) return;
    const { sectorSize, hasImplicitHoles } = this.#options;
    const end = Math.ceil(extentEnd(item) / sectorSize) * sectorSize;
    dropExtents(this.#files, inode, { start, end });
    if (!(hasImplicitHoles && isHole(item))) this.#files.set(item.key, item.bytes);
  }

  #countLinks(inode: number): void {
    const item = this.#files.find(key(inode, ITEM.INODE, 0));
    if (item === undefined || typeOfMode(inodeFields(item).mode) === 'directory') return;
    const links = [...inodeRefsOf(this.#files, inode)].length;
    this.#set(item, INODE.nlink[0], new Uint8Array(Uint32Array.of(links).buffer));
  }

  /** Twice the length of all names. */
  #measureFolder(folder: number): void {
    const item = this.#files.find(key(folder, ITEM.INODE, 0));
    if (item === undefined) return;
    let size = 0;
    for (const index of this.#files.scan(key(folder, ITEM.DIR_INDEX, 0), key(folder, ITEM.DIR_INDEX, LAST_OFFSET))) {
      for (const { name } of readDirItems(index)) size += name.length * 2;
    }
    this.#set(item, INODE.size[0], new Uint8Array(BigUint64Array.of(BigInt(size)).buffer));
  }

  #set(item: Item, at: number, field: Uint8Array): void {
    const bytes = Uint8Array.from(item.bytes);
    bytes.set(field, at);
    this.#files.set(item.key, bytes);
  }

  #hasInode(inode: number): boolean {
    return this.#files.find(key(inode, ITEM.INODE, 0)) !== undefined;
  }

  #isReferenceLogged(inode: number, parent: number, name: Uint8Array): boolean {
    for (const reference of inodeRefsOf(this.#log, inode)) {
      if (reference.parent === parent && sameBytes(reference.name, name)) return true;
    }
    return false;
  }
}

function inodeFields({ bytes, offset }: Item) {
  if (bytes.length < INODE_SIZE) throw unsupported(`Cannot replay log: an inode of ${bytes.length} bytes`, offset);
  return readFields(bytes, INODE, { format: 'btrfs', offset });
}
