import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { CachedSource } from '../../source/cached-source.ts';
import { readInto } from '../../source/read-into.ts';
import { corrupt } from './corrupt.ts';
import type { Superblock } from './superblock.ts';

const CACHE_BYTES = 8 * 1024 * 1024;
const CACHE_PAGE_BYTES = 4096;

/**
 * The blocks of one filesystem, whose numbers are checked before they are read. A block number has its group in its high bits
 * and counts within the group in the low ones: as groups are seldom a power of two, there are numbers without a block.
 */
export class XfsVolume {
  readonly superblock: Superblock;
  /** The blocks as far as the image reaches. */
  readonly content: ByteSource;
  readonly #source: ByteSource;
  readonly #metadata: CachedSource;
  readonly #blocksPerGroupNumber: number;

  constructor(source: ByteSource, superblock: Superblock) {
    this.superblock = superblock;
    this.#source = source;
    this.content = {
      sizeBytes: source.sizeBytes,
      read: (offset, length) => this.#present(offset, length).read(offset, length),
      readInto: (offset, target) => readInto(this.#present(offset, target.length), offset, target),
    };
    this.#blocksPerGroupNumber = 2 ** superblock.groupBlockBits;
    const blockBytes = Math.max(CACHE_PAGE_BYTES, superblock.blockSize);
    this.#metadata = new CachedSource(source, { blockBytes, budgetBytes: CACHE_BYTES });
  }

  /** Metadata from a byte of the filesystem on, through the cache. */
  metadata(offset: number, length: number): Uint8Array {
    this.#present(offset, length);
    return this.#metadata.read(offset, length);
  }

  /** One block of metadata, through the cache. */
  block(block: number): Uint8Array {
    return this.metadata(this.offsetOf(block), this.superblock.blockSize);
  }

  /** Where a block begins. @throws DiskError `corrupt` when there is none of this number */
  offsetOf(block: number): number {
    return this.checkBlocks(block, 1);
  }

  /** Where blocks begin. @throws DiskError `corrupt` unless they are all in one group */
  checkBlocks(first: number, count: number): number {
    const { groupBlocks, groupCount, blockSize } = this.superblock;
    const group = Math.floor(first / this.#blocksPerGroupNumber);
    const within = first % this.#blocksPerGroupNumber;
    if (group < groupCount && within + count <= this.blocksOf(group)) return (group * groupBlocks + within) * blockSize;
    const state = `it is block ${within} of group ${group}, there are ${groupCount} groups of ${groupBlocks} blocks`;
    throw corrupt(`Cannot read ${describe(first, count)}: ${state}`, 0);
  }

  /** How many blocks a group has: the last may have fewer. */
  blocksOf(group: number): number {
    const { groupBlocks, blockCount } = this.superblock;
    return Math.min(groupBlocks, blockCount - group * groupBlocks);
  }

  /** Where a group begins. */
  groupOffset(group: number): number {
    return group * this.superblock.groupBlocks * this.superblock.blockSize;
  }

  #present(offset: number, length: number): ByteSource {
    if (offset + length <= this.#source.sizeBytes) return this.#source;
    const state = `the image is truncated, it ends at ${hex(this.#source.sizeBytes)}`;
    throw corrupt(`Cannot read ${length} bytes at ${hex(offset)}: ${state}`, offset);
  }
}

function describe(first: number, count: number): string {
  return count === 1 ? `block ${hex(first)}` : `${count} blocks from ${hex(first)}`;
}
