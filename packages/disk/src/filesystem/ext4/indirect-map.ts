import type { BlockMap, BlockRun } from './block-map.ts';
import { corrupt } from './corrupt.ts';
import type { Inode } from './inode.ts';
import { DIRECT_BLOCKS, I_BLOCK } from './layout.ts';
import type { Ext4Volume } from './volume.ts';

/** Pointers of 32 bits; 0 is a hole, also where it should lead to more pointers. */
type Pointers = DataView;

/** The block map of ext2 and ext3: twelve direct pointers, then trees of one, two and three levels. */
export class IndirectMap implements BlockMap {
  readonly #volume: Ext4Volume;
  readonly #inode: Inode;
  readonly #perBlock: number;

  constructor(volume: Ext4Volume, inode: Inode) {
    this.#volume = volume;
    this.#inode = inode;
    this.#perBlock = volume.superblock.blockSize / 4;
  }

  runAt(block: number): BlockRun {
    const area = viewOf(this.#inode.blockArea);
    if (block < DIRECT_BLOCKS) return runOf(area, block, DIRECT_BLOCKS);
    let remaining = block - DIRECT_BLOCKS;
    for (const level of [1, 2, 3]) {
      const span = this.#perBlock ** level;
      const tree = area.getUint32((DIRECT_BLOCKS + level - 1) * 4, true);
      if (remaining < span) return this.#descend(tree, level, remaining);
      remaining -= span;
    }
    const { number, offset } = this.#inode;
    throw corrupt(`Cannot read inode ${number}: block ${block} is beyond what its pointers reach`, offset + I_BLOCK);
  }

  #descend(pointer: number, level: number, index: number): BlockRun {
    const childSpan = this.#perBlock ** (level - 1);
    if (pointer === 0) return { physical: undefined, count: childSpan * this.#perBlock - index };
    const pointers = viewOf(this.#volume.block(pointer));
    if (level === 1) return runOf(pointers, index, this.#perBlock);
    const child = Math.floor(index / childSpan);
    return this.#descend(pointers.getUint32(child * 4, true), level - 1, index - child * childSpan);
  }
}

function viewOf(bytes: Uint8Array): Pointers {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** As many pointers from `index` as point to neighbours, or are all holes. */
function runOf(pointers: Pointers, index: number, end: number): BlockRun {
  const physical = pointers.getUint32(index * 4, true);
  let count = 1;
  while (index + count < end) {
    const expected = physical === 0 ? 0 : physical + count;
    if (pointers.getUint32((index + count) * 4, true) !== expected) break;
    count += 1;
  }
  return { physical: physical === 0 ? undefined : physical, count };
}
