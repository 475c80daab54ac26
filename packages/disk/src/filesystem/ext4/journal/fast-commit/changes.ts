import type { BlockMap } from '../../block-map.ts';
import type { DirectoryRecord } from '../../directory.ts';
import type { NameKey } from '../../folder-index.ts';
import { type Inode, interpretInode, storedInode } from '../../inode.ts';
import type { Superblock } from '../../superblock.ts';
import type { ChangedFolder } from './changed-folder.ts';
import type { ChangedInode } from './changed-inode.ts';

/** What fast commits changed, to be laid over what is stored: they say what becomes of files and names, not of blocks. */
export class FastCommitChanges {
  readonly #superblock: Superblock;
  readonly #inodes: ReadonlyMap<number, ChangedInode>;
  readonly #folders: ReadonlyMap<number, ChangedFolder>;

  constructor(
    superblock: Superblock,
    inodes: ReadonlyMap<number, ChangedInode>,
    folders: ReadonlyMap<number, ChangedFolder>,
  ) {
    this.#superblock = superblock;
    this.#inodes = inodes;
    this.#folders = folders;
  }

  /** `undefined` when it was not changed. */
  inode(number: number): Inode | undefined {
    const changed = this.#inodes.get(number);
    return changed && interpretInode(this.#superblock, storedInode(changed.raw));
  }

  mapOf(inode: number, stored: BlockMap): BlockMap {
    return this.#inodes.get(inode)?.ranges.over(stored) ?? stored;
  }

  recordsOf(folder: number, stored: Iterable<DirectoryRecord>, key: NameKey): Iterable<DirectoryRecord> {
    return this.#folders.get(folder)?.over(stored, key) ?? stored;
  }
}
