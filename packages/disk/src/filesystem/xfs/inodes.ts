import { hex } from '../../hex.ts';
import { Lru } from '../../lru.ts';
import { NameIndex } from '../name-index.ts';
import { corrupt } from './corrupt.ts';
import { readInode } from './inode.ts';
import { XfsNode } from './node.ts';
import type { XfsVolume } from './volume.ts';

const KEPT_NODES = 4096;

/** The nodes of one filesystem by number; those last used are kept. */
export class Inodes {
  readonly folders = new NameIndex<number>();
  readonly #volume: XfsVolume;
  readonly #nodes = new Lru<number, XfsNode>(KEPT_NODES, () => 1);

  constructor(volume: XfsVolume) {
    this.#volume = volume;
  }

  /** @throws DiskError `corrupt` when the root is not a folder */
  get root(): XfsNode {
    const root = this.node(this.#volume.superblock.rootInode);
    if (root.stat.type === 'directory') return root;
    throw corrupt(`Cannot open filesystem: its root is a ${root.stat.type}, expected a directory`, 0);
  }

  node(number: number): XfsNode {
    const known = this.#nodes.get(number);
    if (known !== undefined) return known;
    if (!Number.isSafeInteger(number)) throw corrupt(`Cannot read inode ${hex(number)}: there is none`, 0);
    const node = new XfsNode(this.#volume, this, readInode(this.#volume, number));
    this.#nodes.set(number, node);
    return node;
  }
}
