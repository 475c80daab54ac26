import { Lru } from '../../lru.ts';
import { corrupt } from './corrupt.ts';
import { has } from './features.ts';
import { FolderIndex } from './folder-index.ts';
import { GroupDescriptors } from './group-descriptors.ts';
import { readInode } from './inode.ts';
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

  constructor(volume: Ext4Volume) {
    this.#volume = volume;
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
    const { firstInode, inodeCount } = this.#volume.superblock;
    if (number === ROOT_INODE || (number >= firstInode && number <= inodeCount)) return this.#node(number);
    throw corrupt(`Cannot read inode ${number}: a folder names it, expected ${firstInode} to ${inodeCount}`, 0);
  }

  /** The inode that keeps the value of an attribute. */
  ofXattrValue(number: number): Ext4Node {
    const inode = readInode(this.#volume, this.groups, number);
    if (has(inode.flags, INODE_FLAG.EA_INODE)) return new Ext4Node(this.#volume, this, inode);
    throw corrupt(`Cannot read inode ${number}: it is not one that keeps an attribute`, inode.offset);
  }

  #node(number: number): Ext4Node {
    const known = this.#nodes.get(number);
    if (known !== undefined) return known;
    const node = new Ext4Node(this.#volume, this, readInode(this.#volume, this.groups, number));
    this.#nodes.set(number, node);
    return node;
  }
}
