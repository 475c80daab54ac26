import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import type { DiskMap, Run } from '../mapped-image.ts';
import { TableCache } from '../table-cache.ts';
import { corrupt } from './error.ts';
import type { VdiHeader } from './header.ts';
import { BLOCK_FREE, BLOCK_ZERO } from './layout.ts';

/** Translates offsets of the disk by the table that says where each block is stored. */
export class VdiBlockMap implements DiskMap {
  readonly sizeBytes: number;
  readonly #source: ByteSource;
  readonly #header: VdiHeader;
  readonly #table: TableCache;

  constructor(source: ByteSource, header: VdiHeader) {
    this.sizeBytes = header.virtualSize;
    this.#source = source;
    this.#header = header;
    this.#table = new TableCache(source);
  }

  runAt(offset: number): Run {
    const { blockSize, mapOffset, parent } = this.#header;
    const index = Math.floor(offset / blockSize);
    const start = index * blockSize;
    const end = Math.min(start + blockSize, this.sizeBytes);
    const length = end - offset;
    const entry = this.#table.u32(mapOffset + index * 4);
    if (entry === BLOCK_ZERO) return { kind: 'zero', length };
    // a block that was never written falls to the parent; where there is none, it is known to be zero
    if (entry === BLOCK_FREE) return { kind: parent === undefined ? 'zero' : 'absent', length };
    const at = this.#blockOffset(entry, end - start, mapOffset + index * 4);
    return { kind: 'data', length, source: this.#source, at: at + (offset - start) };
  }

  #blockOffset(block: number, needed: number, entryAt: number): number {
    const { dataOffset, blockSize, blockExtra } = this.#header;
    const at = dataOffset + block * (blockExtra + blockSize) + blockExtra;
    if (at + needed <= this.#source.sizeBytes) return at;
    const state = `block is at ${hex(at)}, past the end of the file at ${hex(this.#source.sizeBytes)}`;
    throw corrupt('block map', state, entryAt);
  }
}
