import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { TableReader } from '../table-reader.ts';
import { corrupt } from './error.ts';
import type { GrainDirectory } from './grain-directory.ts';
import { SECTOR_SIZE, ZERO_GRAIN } from './layout.ts';

/** Where grains are: `count` of them are alike when they are not stored. */
export type GrainPlace =
  | { readonly kind: 'stored'; readonly offset: number }
  | { readonly kind: 'zero' | 'absent'; readonly count: number };

/** Finds a grain by its number in the extent. */
export interface GrainTable {
  find(grain: number): GrainPlace;
}

export interface TwoLevels {
  readonly source: ByteSource;
  readonly directory: GrainDirectory;
  readonly entriesPerTable: number;
  /** Whether the entry 1 means a grain of zeros. */
  readonly zeroGrains: boolean;
  /** Sectors before it hold tables, not grains. */
  readonly firstGrainSector: number;
  readonly cacheBytes: number;
}

/** A directory of tables of sector numbers. */
export class TwoLevelGrainTable implements GrainTable {
  readonly #parts: TwoLevels;
  readonly #reader: TableReader;

  constructor(parts: TwoLevels) {
    this.#parts = parts;
    this.#reader = new TableReader(parts.source, 0, parts.source.sizeBytes, parts.cacheBytes);
  }

  find(grain: number): GrainPlace {
    const { directory, entriesPerTable, zeroGrains } = this.#parts;
    const index = Math.floor(grain / entriesPerTable);
    const table = directory.tables[index] ?? 0;
    if (table === 0) return { kind: 'absent', count: (index + 1) * entriesPerTable - grain };
    const entry = grain % entriesPerTable;
    const sector = this.#sector(table, index, entry);
    const isZero = zeroGrains && sector === ZERO_GRAIN;
    if (sector !== 0 && !isZero) return { kind: 'stored', offset: sector * SECTOR_SIZE };
    return { kind: isZero ? 'zero' : 'absent', count: this.#alike(table, entry) };
  }

  /** What the table says, or where that cannot be, its copy. */
  #sector(table: number, index: number, entry: number): number {
    const sector = this.#entry(table, entry);
    if (this.#isPossible(sector)) return sector;
    const copy = this.#parts.directory.copies?.[index] ?? 0;
    const second = copy === 0 ? sector : this.#entry(copy, entry);
    if (this.#isPossible(second)) return second;
    const { firstGrainSector, source } = this.#parts;
    const state = `grain is at ${hex(sector * SECTOR_SIZE)}, expected ${hex(firstGrainSector * SECTOR_SIZE)} to ${hex(source.sizeBytes)}`;
    throw corrupt('grain table', state, table * SECTOR_SIZE + entry * 4);
  }

  /** Grains of the table, from one that is not stored, that are as it is. */
  #alike(table: number, entry: number): number {
    const first = (table * SECTOR_SIZE) / 4;
    return this.#reader.repeats(first + entry, first + this.#parts.entriesPerTable);
  }

  #entry(table: number, entry: number): number {
    return this.#reader.u32((table * SECTOR_SIZE) / 4 + entry);
  }

  #isPossible(sector: number): boolean {
    const { source, firstGrainSector, zeroGrains } = this.#parts;
    if (sector === 0 || (zeroGrains && sector === ZERO_GRAIN)) return true;
    return sector >= firstGrainSector && sector * SECTOR_SIZE < source.sizeBytes;
  }
}
