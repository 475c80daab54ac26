import { hex } from '../../hex.ts';
import { Lru } from '../../lru.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { bitRun } from '../bit-run.ts';
import type { DiskMap, MappedRun } from '../mapped-image.ts';
import { TableReader } from '../table-reader.ts';
import { corrupt } from './error.ts';
import { BITMAP_BLOCK_SIZE, BITMAP_PRESENT, BLOCK_STATES, MIB, SECTORS_PER_BITMAP_BLOCK } from './layout.ts';
import type { VhdxMetadata } from './metadata.ts';
import type { Region } from './region-table.ts';

const BITMAP_CACHE_BYTES = 2 * 2 ** 20;

/** Translates offsets of the virtual disk by the block allocation table, and for blocks kept in part by the sector bitmaps. */
export class BlockMap implements DiskMap {
  readonly #source: ByteSource;
  readonly #metadata: VhdxMetadata;
  readonly #bat: Region;
  readonly #regions: readonly Region[];
  readonly #table: TableReader;
  /** Blocks that one block of sector bitmaps tells of. */
  readonly #chunkRatio: number;
  readonly #bitmaps = new Lru<number, Uint8Array>(BITMAP_CACHE_BYTES, (bitmap) => bitmap.length);

  /** @param regions what no block may lie in */
  constructor(source: ByteSource, metadata: VhdxMetadata, bat: Region, regions: readonly Region[]) {
    this.#source = source;
    this.#metadata = metadata;
    this.#bat = bat;
    this.#regions = regions;
    this.#chunkRatio = (SECTORS_PER_BITMAP_BLOCK * metadata.logicalSectorSize) / metadata.blockSize;
    const entries = this.#entriesNeeded();
    if (entries * 8 > bat.sizeBytes) {
      const state = `it has ${bat.sizeBytes / 8} entries, expected ${entries}`;
      throw corrupt('block allocation table', state, bat.offset);
    }
    this.#table = new TableReader(source, bat.offset, entries * 8);
  }

  unitAt(offset: number): MappedRun {
    const { blockSize, virtualSize, parent } = this.#metadata;
    const block = Math.floor(offset / blockSize);
    const within = offset - block * blockSize;
    const end = Math.min(blockSize, virtualSize - block * blockSize);
    const index = block + Math.floor(block / this.#chunkRatio);
    const { state: number, host } = this.#entry(index);
    const state = BLOCK_STATES[number];
    if (state === undefined) throw this.#refused(index, `block ${block} has state ${number}, expected 0 to 3, 6 or 7`);
    if (state === 'not-present') return { kind: 'absent', length: end - within };
    if (state === 'zero') return { kind: 'zero', length: end - within };
    this.#checkPlace(index, host, end);
    if (state === 'full') return { kind: 'data', length: end - within, host: host + within };
    if (parent === undefined) throw this.#refused(index, `block ${block} is kept in part, but the disk has no parent`);
    return this.#partOf(block, host, within, end);
  }

  #partOf(block: number, host: number, within: number, end: number): MappedRun {
    const { logicalSectorSize } = this.#metadata;
    const sector = Math.floor(within / logicalSectorSize);
    const run = bitRun(this.#bitmapOf(block), sector, end / logicalSectorSize, 'low-first');
    const length = (sector + run.count) * logicalSectorSize - within;
    return run.isSet ? { kind: 'data', length, host: host + within } : { kind: 'absent', length };
  }

  /** The bits of one block. */
  #bitmapOf(block: number): Uint8Array {
    const known = this.#bitmaps.get(block);
    if (known !== undefined) return known;
    const { blockSize, logicalSectorSize } = this.#metadata;
    const chunk = Math.floor(block / this.#chunkRatio);
    const index = (chunk + 1) * this.#chunkRatio + chunk;
    const { state, host } = this.#entry(index);
    if (state !== BITMAP_PRESENT) throw this.#refused(index, `sector bitmap has state ${state}, expected it present`);
    this.#checkPlace(index, host, BITMAP_BLOCK_SIZE);
    const sizeBytes = blockSize / logicalSectorSize / 8;
    const bitmap = this.#source.read(host + (block % this.#chunkRatio) * sizeBytes, sizeBytes);
    this.#bitmaps.set(block, bitmap);
    return bitmap;
  }

  #entry(index: number) {
    const { low, high } = this.#table.words64(index);
    // three bits of state, then from bit 20 on the offset in MiB
    return { state: low & 7, host: ((low >>> 20) + high * 2 ** 12) * MIB };
  }

  #entriesNeeded(): number {
    const { blockSize, virtualSize, parent } = this.#metadata;
    const blocks = Math.ceil(virtualSize / blockSize);
    // without sector bitmaps the table ends with the last block
    if (parent === undefined) return blocks + Math.floor(Math.max(0, blocks - 1) / this.#chunkRatio);
    return Math.ceil(blocks / this.#chunkRatio) * (this.#chunkRatio + 1);
  }

  #checkPlace(index: number, host: number, length: number): void {
    const end = host + length;
    if (end > this.#source.sizeBytes) {
      throw this.#refused(
        index,
        `block ends at ${hex(end)}, past the end of the file at ${hex(this.#source.sizeBytes)}`,
      );
    }
    const region = this.#regions.find(({ offset, sizeBytes }) => host < offset + sizeBytes && end > offset);
    if (region !== undefined) throw this.#refused(index, `block is at ${hex(host)}, over ${region.what}`);
  }

  #refused(index: number, state: string) {
    return corrupt('block allocation table', state, this.#bat.offset + index * 8);
  }
}
