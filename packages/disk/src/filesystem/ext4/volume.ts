import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { CachedSource } from '../../source/cached-source.ts';
import { readInto } from '../../source/read-into.ts';
import { corrupt } from './corrupt.ts';
import { readSuperblock, type Superblock } from './superblock.ts';

const CACHE_BYTES = 8 * 1024 * 1024;
const CACHE_PAGE_BYTES = 4096;

/** The blocks of one filesystem, whose numbers are checked before they are read. */
export class Ext4Volume {
  readonly superblock: Superblock;
  readonly #source: ByteSource;
  readonly #metadata: CachedSource;

  constructor(source: ByteSource) {
    this.superblock = readSuperblock(source);
    this.#source = source;
    const blockBytes = Math.max(CACHE_PAGE_BYTES, this.superblock.blockSize);
    this.#metadata = new CachedSource(source, { blockBytes, budgetBytes: CACHE_BYTES });
  }

  /** One block of metadata, through the cache. */
  block(block: number): Uint8Array {
    return this.metadata(block, 0, this.superblock.blockSize);
  }

  /** Bytes inside one block of metadata, through the cache. */
  metadata(block: number, within: number, length: number): Uint8Array {
    this.#checkPresent(block, 1);
    return this.#metadata.read(this.offsetOf(block) + within, length);
  }

  /** Content of files, from `within` the first of a run of blocks. It is read once, so it passes the cache by. */
  content(block: number, within: number, length: number): Uint8Array {
    this.#checkPresent(block, Math.ceil((within + length) / this.superblock.blockSize));
    return this.#source.read(this.offsetOf(block) + within, length);
  }

  /** The same, into an array of the caller. */
  contentInto(block: number, within: number, target: Uint8Array): void {
    this.#checkPresent(block, Math.ceil((within + target.length) / this.superblock.blockSize));
    readInto(this.#source, this.offsetOf(block) + within, target);
  }

  offsetOf(block: number): number {
    return block * this.superblock.blockSize;
  }

  /** @throws DiskError `corrupt` unless the blocks are in the filesystem, behind its first block */
  checkBlocks(first: number, count: number): void {
    const { blockCount, firstDataBlock } = this.superblock;
    if (first > firstDataBlock && first + count <= blockCount) return;
    const state = `expected them within ${firstDataBlock + 1} to ${blockCount - 1}`;
    throw corrupt(`Cannot read ${describe(first, count)}: ${state}`, this.offsetOf(first));
  }

  #checkPresent(first: number, count: number): void {
    this.checkBlocks(first, count);
    if (this.offsetOf(first + count) <= this.#source.sizeBytes) return;
    const state = `the image is truncated, it ends at ${hex(this.#source.sizeBytes)}`;
    throw corrupt(`Cannot read ${describe(first, count)}: ${state}`, this.offsetOf(first));
  }
}

function describe(first: number, count: number): string {
  return count === 1 ? `block ${first}` : `blocks ${first} to ${first + count - 1}`;
}
