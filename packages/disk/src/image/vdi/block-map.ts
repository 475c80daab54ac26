import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import type { DiskMap, MappedRun } from '../mapped-image.ts';
import { TableReader } from '../table-reader.ts';
import { corrupt } from './error.ts';
import type { VdiHeader } from './header.ts';
import { BLOCK_FREE, BLOCK_ZERO } from './layout.ts';

/** Translates offsets of the disk by the table that says where each block is stored. */
export class VdiBlockMap implements DiskMap {
  readonly #source: ByteSource;
  readonly #header: VdiHeader;
  readonly #table: TableReader;

  constructor(source: ByteSource, header: VdiHeader) {
    this.#source = source;
    this.#header = header;
    this.#table = new TableReader(source, header.mapOffset, header.blocks * 4);
  }

  unitAt(offset: number): MappedRun {
    const { virtualSize, blockSize, parent } = this.#header;
    const index = Math.floor(offset / blockSize);
    const start = index * blockSize;
    const end = Math.min(start + blockSize, virtualSize);
    const length = end - offset;
    const entry = this.#table.u32(index);
    if (entry === BLOCK_ZERO) return { kind: 'zero', length };
    // a block that was never written falls to the parent; where there is none, it is known to be zero
    if (entry === BLOCK_FREE) return { kind: parent === undefined ? 'zero' : 'absent', length };
    return { kind: 'data', length, host: this.#blockOffset(entry, end - start, index) + (offset - start) };
  }

  #blockOffset(block: number, needed: number, index: number): number {
    const { mapOffset, dataOffset, blockSize, blockExtra } = this.#header;
    const at = dataOffset + block * (blockExtra + blockSize) + blockExtra;
    if (at + needed <= this.#source.sizeBytes) return at;
    const state = `block is at ${hex(at)}, past the end of the file at ${hex(this.#source.sizeBytes)}`;
    throw corrupt('block map', state, mapOffset + index * 4);
  }
}
