import type { BlockMap, BlockRun } from '../../block-map.ts';
import { type ExtentEntry, runWithin } from '../../extent-map.ts';

/** Blocks of a file that were given another place, or none. */
export interface ChangedRange extends Omit<ExtentEntry, 'physical'> {
  /** `undefined` is a hole. */
  readonly physical: number | undefined;
}

/** Ranges that lie over the map of a file, those set last on top. */
export class ChangedRanges {
  /** Ascending and apart. */
  readonly #ranges: ChangedRange[] = [];

  set(range: ChangedRange): void {
    const low = this.#firstEndingAfter(range.first);
    const high = this.#firstStartingFrom(range.end);
    const covered = this.#ranges.slice(low, high);
    const before = covered.slice(0, 1).filter(({ first }) => first < range.first);
    const after = covered.slice(-1).filter(({ end }) => end > range.end);
    const kept = [
      ...before.map((one) => ({ ...one, end: range.first })),
      range,
      ...after.map((one) => from(one, range.end)),
    ];
    this.#ranges.splice(low, high - low, ...kept);
  }

  /** The map of the file as it is with the ranges over it. */
  over(stored: BlockMap): BlockMap {
    return { runAt: (block) => this.#runAt(block, stored) };
  }

  #runAt(block: number, stored: BlockMap): BlockRun {
    const next = this.#ranges[this.#firstEndingAfter(block)];
    if (next !== undefined && next.first <= block) return changedRun(next, block);
    const run = stored.runAt(block);
    return next === undefined ? run : { ...run, count: Math.min(run.count, next.first - block) };
  }

  #firstEndingAfter(block: number): number {
    return this.#search(({ end }) => end > block);
  }

  #firstStartingFrom(block: number): number {
    return this.#search(({ first }) => first >= block);
  }

  /** The place of the first range of which something holds, that then holds of all behind it. */
  #search(holds: (range: ChangedRange) => boolean): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (holds(this.#ranges[middle] as ChangedRange)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function from(range: ChangedRange, first: number): ChangedRange {
  const physical = range.physical === undefined ? undefined : range.physical + (first - range.first);
  return { ...range, first, physical };
}

function changedRun({ physical, ...range }: ChangedRange, block: number): BlockRun {
  return physical === undefined ? { physical, count: range.end - block } : runWithin({ ...range, physical }, block);
}
