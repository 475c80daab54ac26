import { hex } from '../../hex.ts';
import { Lru } from '../../lru.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { bitRun } from '../bit-run.ts';
import type { DiskMap, MappedRun } from '../mapped-image.ts';
import { TableReader } from '../table-reader.ts';
import type { DynamicHeader } from './dynamic-header.ts';
import { corrupt } from './error.ts';
import type { FoundFooter } from './footer.ts';
import { FOOTER_SIZE, HEADER_SIZE, NO_BLOCK, SECTOR_SIZE } from './layout.ts';

const BITMAP_CACHE_BYTES = 2 * 2 ** 20;

/** Translates offsets of the virtual disk by the block allocation table, and in a differencing disk by the sector bitmaps. */
export class BlockMap implements DiskMap {
  readonly #source: ByteSource;
  readonly #found: FoundFooter;
  readonly #header: DynamicHeader;
  readonly #table: TableReader;
  readonly #bitmapBytes: number;
  readonly #bitmaps = new Lru<number, Uint8Array>(BITMAP_CACHE_BYTES, (bitmap) => bitmap.length);

  constructor(source: ByteSource, found: FoundFooter, header: DynamicHeader) {
    this.#source = source;
    this.#found = found;
    this.#header = header;
    this.#table = new TableReader(source, header.table.offset, header.table.entries * 4);
    const bits = header.blockSize / SECTOR_SIZE;
    this.#bitmapBytes = Math.ceil(bits / 8 / SECTOR_SIZE) * SECTOR_SIZE;
  }

  unitAt(offset: number): MappedRun {
    const { blockSize } = this.#header;
    const block = Math.floor(offset / blockSize);
    const start = this.#startOf(block);
    const within = offset - block * blockSize;
    const end = this.#lengthOf(block);
    const isDynamic = this.#found.footer.type === 'dynamic';
    // with no parent to fall to, a block that is not there is known to be zero: qemu maps it so
    if (start === undefined) return { kind: isDynamic ? 'zero' : 'absent', length: end - within };
    const host = start + this.#bitmapBytes + within;
    // the bitmap of a dynamic disk only says what was ever written: the rest of the block is stored too, and qemu reads it
    if (isDynamic) return { kind: 'data', length: end - within, host };
    const sector = Math.floor(within / SECTOR_SIZE);
    const run = bitRun(this.#bitmap(start), sector, Math.ceil(end / SECTOR_SIZE), 'high-first');
    const length = (sector + run.count) * SECTOR_SIZE - within;
    return run.isSet ? { kind: 'data', length, host } : { kind: 'absent', length };
  }

  /** Finds a file that was cut short, by its blocks. Reads the whole table. */
  checkAllBlocks(): void {
    for (let block = 0; block < this.#header.table.entries; block++) this.#startOf(block);
  }

  /** Where a block's bitmap is, compared with the file and what else is in it; `undefined` when there is no block. */
  #startOf(block: number): number | undefined {
    const entry = this.#table.u32be(block);
    if (entry === NO_BLOCK) return undefined;
    const start = entry * SECTOR_SIZE;
    const end = start + this.#bitmapBytes + this.#lengthOf(block);
    if (end > this.#found.dataEnd) {
      throw this.#refused(block, `it ends at ${hex(end)}, past the last byte of blocks at ${hex(this.#found.dataEnd)}`);
    }
    const { offset, table } = this.#header;
    if (start < FOOTER_SIZE) throw this.#refused(block, `it is at ${hex(start)}, where the copy of the footer is`);
    if (start < offset + HEADER_SIZE && end > offset) {
      throw this.#refused(block, `it is at ${hex(start)}, over the dynamic header at ${hex(offset)}`);
    }
    if (start < table.offset + table.entries * 4 && end > table.offset) {
      throw this.#refused(block, `it is at ${hex(start)}, over the block table at ${hex(table.offset)}`);
    }
    return start;
  }

  /** The last block may be needed in part only. */
  #lengthOf(block: number): number {
    const { blockSize } = this.#header;
    return Math.min(blockSize, this.#found.footer.virtualSize - block * blockSize);
  }

  #refused(block: number, state: string) {
    return corrupt(`block ${block}`, state, this.#header.table.offset + block * 4);
  }

  #bitmap(start: number): Uint8Array {
    const known = this.#bitmaps.get(start);
    if (known !== undefined) return known;
    const bitmap = this.#source.read(start, this.#bitmapBytes);
    this.#bitmaps.set(start, bitmap);
    return bitmap;
  }
}
