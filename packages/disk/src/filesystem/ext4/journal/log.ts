import type { BlockMap } from '../block-map.ts';
import { corrupt } from '../corrupt.ts';
import type { Inode } from '../inode.ts';
import { blockMapOf } from '../inode-map.ts';
import type { Ext4Volume } from '../volume.ts';
import { type JournalSuperblock, readJournalSuperblock } from './superblock.ts';

/** The blocks of a journal that lies in a file of the filesystem. */
export class JournalLog {
  readonly superblock: JournalSuperblock;
  readonly #volume: Ext4Volume;
  readonly #map: BlockMap;
  readonly #inode: Inode;

  constructor(volume: Ext4Volume, inode: Inode) {
    this.#volume = volume;
    this.#inode = inode;
    if (inode.stat.type !== 'file') throw this.#corrupt(`it is a ${inode.stat.type}, expected a file`);
    this.#map = blockMapOf(volume, inode);
    const blockCount = Math.floor(inode.stat.sizeBytes / volume.superblock.blockSize);
    this.superblock = readJournalSuperblock(this.block(0), blockCount, this.offsetOf(0));
  }

  block(block: number): Uint8Array {
    return this.#volume.content(this.#physical(block), 0, this.#volume.superblock.blockSize);
  }

  /** Where a block of the journal is in the filesystem. */
  offsetOf(block: number): number {
    return this.#volume.offsetOf(this.#physical(block));
  }

  /** The block some blocks behind another in the ring of transactions. */
  after(block: number, count = 1): number {
    const { first, end } = this.superblock;
    return block + count < end ? block + count : block + count - (end - first);
  }

  #physical(block: number): number {
    const { physical } = this.#map.runAt(block);
    if (physical === undefined) throw this.#corrupt(`block ${block} is a hole`);
    return physical;
  }

  #corrupt(state: string) {
    const { number, offset } = this.#inode;
    return corrupt(`Cannot read journal in inode ${number}: ${state}`, offset);
  }
}
