import { DiskError } from '@guestkit/disk';
import { MemorySource } from '../../packages/disk/src/source/memory-source.ts';
import {
  applyEdits,
  type Edit,
  type Ground,
  type Range,
  randomEdit,
  randomLength,
} from '../../packages/disk/src/testing/edits.ts';
import { type Random, seededRandom } from '../../packages/disk/src/testing/mutation.ts';
import { TracingSource } from '../../packages/disk/src/testing/tracing-source.ts';
import { type Ending, endingOf } from './ending.ts';
import type { Family, Seed } from './family.ts';

/** One changed image. */
export interface Case {
  readonly seed: Seed;
  readonly edits: readonly Edit[];
  readonly length: number;
  readonly isSealed: boolean;
}

/** By how much an image may become longer. */
const SLACK_BYTES = 64 * 1024;
const MOST_EDITS = 6;
/** Cases of one seed that ended in a way of their own, to be changed further. */
const MOST_KEPT = 100;
const WHOLE_SHARE = 64;
/** More than these are left behind, oldest first. */
const MOST_EDITS_OF_ALL = 12;

interface Base {
  readonly seed: Seed;
  /** The seed, with room behind it; changed and changed back by every case. */
  readonly working: Uint8Array;
  readonly hot: readonly Range[];
  /** What was not seen before, and came of this seed. */
  readonly kept: Case[];
  /** How many reads it takes, as far as that is known without a clock. */
  readonly cost: number;
}

/**
 * Changes seeds, and then what ended in ways not seen before, and reads them. The same seed number makes the same cases.
 * It changes bytes in place and back again: to copy whole images would take most of the time.
 */
export class Hunt {
  readonly #family: Family;
  readonly #random: Random;
  readonly #bases: readonly Base[];
  readonly #byName: ReadonlyMap<string, Base>;
  /** How often each base is taken, in all. */
  readonly #shares: readonly number[];
  readonly #seen = new Set<string>();

  constructor(family: Family, seeds: readonly Seed[], seedNumber: number) {
    this.#family = family;
    this.#random = seededRandom(seedNumber);
    if (seeds.length === 0) throw new Error(`Cannot fuzz ${family.name}: it has no seeds`);
    this.#bases = seeds.map((seed) => this.#baseOf(seed));
    this.#byName = new Map(this.#bases.map((base) => [base.seed.name, base]));
    this.#shares = sharesOf(this.#bases);
  }

  /** How many different ways to end were met. */
  get endings(): number {
    return this.#seen.size;
  }

  next(): Case {
    const random = this.#random;
    const base = this.#takeBase();
    const { seed } = base;
    const kept = random(2) === 0 ? base.kept[random(Math.max(base.kept.length, 1))] : undefined;
    const edits = [...(kept?.edits ?? [])];
    const ground: Ground = { bytes: base.working, hot: base.hot, others: this.#bases.map(({ working }) => working) };
    for (let count = 1 + random(MOST_EDITS); count > 0; count--) edits.push(randomEdit(ground, random));
    const length = randomLength(seed.bytes.length, SLACK_BYTES, random);
    return { seed, edits: edits.slice(-MOST_EDITS_OF_ALL), length, isSealed: random(2) === 0 };
  }

  run(changed: Case): Ending {
    const { working } = this.#baseNamed(changed.seed);
    const undo = applyEdits(working, changed.edits);
    const image = working.subarray(0, changed.length);
    const { tame, seal } = this.#family;
    const undoTaming = applyEdits(image, tame?.(image) ?? []);
    const undoSealing = applyEdits(image, changed.isSealed ? (seal?.(image) ?? []) : []);
    const ending = endingOf(this.#family, new MemorySource(image), changed.seed.files ?? {});
    for (const edits of [undoSealing, undoTaming, undo]) applyEdits(working, edits);
    this.#keep(changed, ending);
    return ending;
  }

  /** The image that a case reads, as bytes of its own. */
  imageOf({ seed, edits, length, isSealed }: Case): Uint8Array {
    const whole = withSlack(seed.bytes);
    applyEdits(whole, edits);
    const image = whole.subarray(0, length);
    applyEdits(image, this.#family.tame?.(image) ?? []);
    if (isSealed) applyEdits(image, this.#family.seal?.(image) ?? []);
    return image;
  }

  /** Seeds that are not as they were: a reader wrote into its input. */
  disturbed(): readonly string[] {
    return this.#bases.flatMap(({ seed, working }) =>
      Buffer.compare(working.subarray(0, seed.bytes.length), seed.bytes) === 0 ? [] : [seed.name],
    );
  }

  #keep(changed: Case, { signature }: Ending): void {
    if (this.#seen.has(signature)) return;
    this.#seen.add(signature);
    const { kept } = this.#baseNamed(changed.seed);
    if (kept.length < MOST_KEPT) kept.push(changed);
    else kept[this.#random(MOST_KEPT)] = changed;
  }

  #takeBase(): Base {
    let left = this.#random(this.#shares.reduce((sum, share) => sum + share, 0));
    const index = this.#shares.findIndex((share) => {
      left -= share;
      return left < 0;
    });
    return this.#bases[index] as Base;
  }

  #baseOf(seed: Seed): Base {
    const traced = new TracingSource(new MemorySource(seed.bytes));
    const { failure } = endingOf(this.#family, traced, seed.files ?? {});
    if (failure !== undefined && !(failure instanceof DiskError)) throw failure;
    return { seed, working: withSlack(seed.bytes), hot: traced.ranges, kept: [], cost: traced.count };
  }

  #baseNamed({ name }: Seed): Base {
    const base = this.#byName.get(name);
    if (base === undefined) throw new RangeError(`Cannot find seed "${name}" of ${this.#family.name}`);
    return base;
  }
}

/** A seed that takes more than most is taken less often, so that one large one does not take the time of all. */
function sharesOf(bases: readonly Base[]): readonly number[] {
  const costs = bases.map(({ cost }) => cost).sort((one, other) => one - other);
  const usual = costs[Math.floor(costs.length / 2)] ?? 0;
  return bases.map(({ cost }) => Math.max(1, Math.round((WHOLE_SHARE * usual) / Math.max(cost, usual, 1))));
}

function withSlack(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(bytes.length + SLACK_BYTES);
  whole.set(bytes);
  return whole;
}
