import { DiskError, type DiskErrorKind } from '../../error.ts';
import { quote } from '../../quote.ts';
import type { MappedSource } from '../../source/extent.ts';
import type { DirectoryEntry, FileNode, FileStat, FileType } from '../file-system.ts';
import { misfit } from '../misfit.ts';
import { decodeName, encodeName, isFileName } from '../name.ts';
import { typeOfEntry } from '../unix-mode.ts';
import { type DirItem, hashName, readDirItems, sameBytes } from './dir-item.ts';
import { corrupt } from './error.ts';
import { openContent } from './file-content.ts';
import { type Inode, readInode } from './inode.ts';
import { type Key, key, LAST_OFFSET } from './key.ts';
import { DIR_TYPE_MASK, EMPTY_SUBVOLUME_FOLDER, ITEM, ROOT_FOLDER } from './layout.ts';
import type { FileItems, Subvolumes } from './subvolumes.ts';

/** The longest target that Linux follows. */
const MAX_TARGET_BYTES = 4096;

/** A file, folder, link or device of a btrfs filesystem. */
export class BtrfsNode implements FileNode {
  readonly stat: FileStat;
  readonly #subvolumes: Subvolumes;
  readonly #items: FileItems;
  readonly #inode: Inode;

  constructor(subvolumes: Subvolumes, items: FileItems, number: number) {
    this.#subvolumes = subvolumes;
    this.#items = items;
    this.#inode = readInode(items.tree, number, items.id);
    this.stat = this.#inode.stat;
  }

  *list(): Generator<DirectoryEntry> {
    this.#expect('directory', 'list');
    const { inode } = this.stat;
    const [first, last] = [key(inode, ITEM.DIR_INDEX, 0), key(inode, ITEM.DIR_INDEX, LAST_OFFSET)];
    for (const item of this.#items.tree.scan(first, last)) {
      for (const entry of readDirItems(item)) yield this.#entry(entry);
    }
  }

  lookup(name: string): FileNode | undefined {
    this.#expect('directory', 'list');
    const bytes = bytesOf(name);
    const item = bytes && this.#items.tree.find(key(this.stat.inode, ITEM.DIR, hashName(bytes)));
    if (bytes === undefined || item === undefined) return undefined;
    for (const entry of readDirItems(item)) if (sameBytes(entry.name, bytes)) return this.#named(entry.location, name);
    return undefined;
  }

  open(): MappedSource {
    this.#expect('file', 'open');
    return this.#content();
  }

  readlink(): string {
    this.#expect('symlink', 'read the target of');
    const { sizeBytes, inode } = this.stat;
    if (sizeBytes > MAX_TARGET_BYTES) {
      throw this.#error('corrupt', `Cannot read link in inode ${inode}: ${sizeBytes} bytes, expected at most 4096`);
    }
    return decodeName(this.#content().read(0, sizeBytes));
  }

  xattrs(): ReadonlyMap<string, Uint8Array> {
    const { inode } = this.stat;
    const [first, last] = [key(inode, ITEM.XATTR, 0), key(inode, ITEM.XATTR, LAST_OFFSET)];
    const items = [...this.#items.tree.scan(first, last)];
    return new Map(
      items.flatMap((item) => [...readDirItems(item)].map(({ name, value }) => [decodeName(name), value])),
    );
  }

  #content(): MappedSource {
    return openContent(this.#subvolumes.volume, this.#items.tree, this.#inode);
  }

  #entry(entry: DirItem): DirectoryEntry {
    const name = decodeName(entry.name);
    if (!isFileName(name)) {
      throw corrupt(`Cannot read folder in inode ${this.stat.inode}: bad name ${quote(name)}`, this.#inode.offset);
    }
    const { location } = entry;
    // not the entry, of which there may be many: its bytes hold more than the name
    return { name, type: typeOfEntry(entry.type & DIR_TYPE_MASK), node: () => this.#named(location, name) };
  }

  /** What an entry names: an inode beside the folder, or the root of another subvolume. */
  #named(location: Key, name: string): FileNode {
    const { objectId, type } = location;
    if (type === ITEM.INODE) return new BtrfsNode(this.#subvolumes, this.#items, objectId);
    if (type !== ITEM.ROOT) {
      throw corrupt(
        `Cannot read folder in inode ${this.stat.inode}: it names an item of type ${type}`,
        this.#inode.offset,
      );
    }
    const place = { parent: this.#items.id, folder: this.stat.inode, name: encodeName(name) };
    return this.#subvolumes.isAt(objectId, place)
      ? new BtrfsNode(this.#subvolumes, this.#subvolumes.open(objectId), ROOT_FOLDER)
      : new EmptyFolder(this.stat);
  }

  #expect(type: FileType, action: string): void {
    if (this.stat.type !== type) throw misfit(action, this.stat, type, { format: 'btrfs', offset: this.#inode.offset });
  }

  #error(kind: DiskErrorKind, message: string): DiskError {
    return new DiskError(kind, message, { format: 'btrfs', offset: this.#inode.offset });
  }
}

/** The bytes of a name; nobody has a name that no bytes stand for. */
function bytesOf(name: string): Uint8Array | undefined {
  try {
    return encodeName(name);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** What Linux shows in a snapshot, in the place of a subvolume that was not part of it. */
class EmptyFolder implements FileNode {
  readonly stat: FileStat;

  constructor(parent: FileStat) {
    this.stat = { ...parent, mode: 0o755, sizeBytes: 0, links: 1, inode: EMPTY_SUBVOLUME_FOLDER };
  }

  list(): Iterable<DirectoryEntry> {
    return [];
  }

  lookup(): undefined {
    return undefined;
  }

  open(): never {
    throw new DiskError('not-found', 'Cannot open folder: it is a directory, expected a file', { format: 'btrfs' });
  }

  readlink(): never {
    throw new DiskError('not-found', 'Cannot read link: it is a directory, expected a symlink', { format: 'btrfs' });
  }

  xattrs(): ReadonlyMap<string, Uint8Array> {
    return new Map();
  }
}
