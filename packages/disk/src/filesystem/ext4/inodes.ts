import { Lru } from '../../lru.ts';
import type { BlockMap } from './block-map.ts';
import { corrupt } from './corrupt.ts';
import type { DirectoryRecord } from './directory.ts';
import { has } from './features.ts';
import { FolderIndex, type NameKey } from './folder-index.ts';
import { GroupDescriptors } from './group-descriptors.ts';
import { type Inode, isUserInode, readInode } from './inode.ts';
import { blockMapOf } from './inode-map.ts';
import type { FastCommitChanges } from './journal/fast-commit/changes.ts';
import { INODE_FLAG, ROOT_INODE } from './layout.ts';
import { Ext4Node } from './node.ts';
import type { Ext4Volume } from './volume.ts';

const KEPT_NODES = 4096;

/** The nodes of one filesystem by number; those last used are kept. */
export class Inodes {
  readonly folders = new FolderIndex();
  readonly #volume: Ext4Volume;
  readonly groups: GroupDescriptors;
  readonly #nodes = new Lru<number, Ext4Node>(KEPT_NODES, () => 1);

  readonly #changes: FastCommitChanges | undefined;

  /** @param changes what fast commits made of it */
  constructor(volume: Ext4Volume, changes?: FastCommitChanges) {
    this.#volume = volume;
    this.#changes = changes;
    this.groups = new GroupDescriptors(volume);
  }

  /** @throws DiskError `corrupt` when the root is not a folder */
  get root(): Ext4Node {
    const root = this.#node(ROOT_INODE);
    if (root.stat.type === 'directory') return root;
    throw corrupt(`Cannot open filesystem: its root is a ${root.stat.type}, expected a directory`, 0);
  }

  /** The node that a folder names: the root, or one behind the reserved inodes. */
  named(number: number): Ext4Node {
    if (isUserInode(this.#volume.superblock, number)) return this.#node(number);
    const { firstInode, inodeCount } = this.#volume.superblock;
    throw corrupt(`Cannot read inode ${number}: a folder names it, expected ${firstInode} to ${inodeCount}`, 0);
  }

  /** The inode that keeps the value of an attribute. */
  ofXattrValue(number: number): Ext4Node {
    const inode = readInode(this.#volume, this.groups, number);
    if (has(inode.flags, INODE_FLAG.EA_INODE)) return new Ext4Node(this.#volume, this, inode);
    throw corrupt(`Cannot read inode ${number}: it is not one that keeps an attribute`, inode.offset);
  }

  mapOf(inode: Inode): BlockMap {
    const map = blockMapOf(this.#volume, inode);
    return this.#changes?.mapOf(inode.number, map) ?? map;
  }

  /** The content of a folder, of which these records are stored. */
  recordsOf(folder: number, stored: Iterable<DirectoryRecord>, key: NameKey): Iterable<DirectoryRecord> {
    return this.#changes?.recordsOf(folder, stored, key) ?? stored;
  }

  #node(number: number): Ext4Node {
    const known = this.#nodes.get(number);
    if (known !== undefined) return known;
    const inode = this.#changes?.inode(number) ?? readInode(this.#volume, this.groups, number);
    const node = new Ext4Node(this.#volume, this, inode);
    this.#nodes.set(number, node);
    return node;
  }
}
