import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import type { DiskMap, MappedRun } from '../mapped-image.ts';
import { TableReader } from '../table-reader.ts';
import { corrupt } from './error.ts';
import type { ParallelsHeader } from './header.ts';
import { PARALLELS_HEADER_SIZE, SECTOR_SIZE } from './layout.ts';

/** Translates offsets of the disk by the table that says where each cluster is stored. */
export class ParallelsBlockMap implements DiskMap {
  readonly #source: ByteSource;
  readonly #header: ParallelsHeader;
  readonly #table: TableReader;
  readonly #unit: number;

  constructor(source: ByteSource, header: ParallelsHeader) {
    this.#source = source;
    this.#header = header;
    this.#table = new TableReader(source, PARALLELS_HEADER_SIZE, header.entries * 4);
    this.#unit = header.blockUnit === 'sectors' ? SECTOR_SIZE : header.clusterSize;
  }

  unitAt(offset: number): MappedRun {
    const { clusterSize, virtualSize } = this.#header;
    const index = Math.floor(offset / clusterSize);
    const start = index * clusterSize;
    const end = Math.min(start + clusterSize, virtualSize);
    const entry = this.#table.u32(index);
    if (entry === 0) return { kind: 'absent', length: end - offset };
    return { kind: 'data', length: end - offset, host: this.#host(entry, end - start, index) + (offset - start) };
  }

  #host(entry: number, needed: number, index: number): number {
    const host = entry * this.#unit;
    const tableEnd = PARALLELS_HEADER_SIZE + this.#header.entries * 4;
    const state = `cluster is at ${hex(host)}`;
    const at = PARALLELS_HEADER_SIZE + index * 4;
    if (host < tableEnd) throw corrupt('block table', `${state}, where the header is`, at);
    if (host + needed <= this.#source.sizeBytes) return host;
    throw corrupt('block table', `${state}, past the end of the file at ${hex(this.#source.sizeBytes)}`, at);
  }
}
