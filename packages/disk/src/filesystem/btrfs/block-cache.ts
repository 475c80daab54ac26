import { Lru } from '../../lru.ts';
import type { AddressSpace } from './address-space.ts';
import { firstThatWorks } from './error.ts';
import type { Superblock } from './superblock.ts';
import type { BlockReader } from './tree.ts';
import { checkBlock, checkMeant, TreeBlock, type TreePointer } from './tree-block.ts';

const KEPT_BYTES = 16 * 1024 * 1024;

/** Tree blocks, from the first copy that is whole; those last used are kept. */
export class BlockCache implements BlockReader {
  readonly #superblock: Superblock;
  readonly #addresses: AddressSpace;
  readonly #blocks = new Lru<number, TreeBlock>(KEPT_BYTES, ({ sizeBytes }) => sizeBytes);

  constructor(superblock: Superblock, addresses: AddressSpace) {
    this.#superblock = superblock;
    this.#addresses = addresses;
  }

  block(pointer: TreePointer): TreeBlock {
    const { address } = pointer;
    const known = this.#blocks.get(address);
    if (known !== undefined) return known;
    const block = firstThatWorks(this.#addresses.waysTo(address), (way) => this.#read(pointer, way));
    this.#blocks.set(address, block);
    return block;
  }

  #read(pointer: TreePointer, way: number): TreeBlock {
    // a copy: what it may be part of, in a cache below, is larger
    const bytes = this.#addresses.read(pointer.address, this.#superblock.nodeSize, way).slice();
    checkBlock(this.#superblock, bytes, pointer);
    const block = new TreeBlock(bytes, pointer.address);
    // a copy that missed a write is whole, but old
    checkMeant(block, pointer);
    return block;
  }
}
