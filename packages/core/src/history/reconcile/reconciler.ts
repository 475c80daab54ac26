import { randomUUID } from 'node:crypto';
import type { Duty } from '../../coordination/duty.ts';
import type { QueueEpochKey } from '../../coordination/queue-epoch.ts';
import type { UnfinishedState } from '../unfinished-jobs.ts';
import type { Disagreement } from './disagreement.ts';
import { rebuildQueue } from './rebuild.ts';
import type { ReconcileParts } from './reconcile-parts.ts';
import { sweep } from './sweep.ts';

export interface ReconcilerOptions extends ReconcileParts {
  readonly epochKey: QueueEpochKey;
  /** Told when the queue was found to be flushed or rolled back, and how many jobs were brought back to it. */
  readonly onRebuilt?: (rebuilt: { readonly jobs: number; readonly tookMs: number }) => void;
  /** Between the end of a sweep over all jobs and the start of the next, at least. */
  readonly restMs?: number;
}

export interface Reconciler {
  /** For the leader. */
  readonly duties: readonly Duty[];
  /** Compares and repairs everything now. Resolves with what was repaired. */
  repair(): Promise<readonly Disagreement[]>;
  /** Compares, and repairs nothing; stops at some number of disagreements, or after some time. */
  examine(bounds: { readonly limit: number; readonly withinMs: number }): Promise<Examination>;
}

export interface Examination {
  readonly disagreements: readonly Disagreement[];
  /** Whether all jobs were looked at. */
  readonly isComplete: boolean;
}

const EPOCH_EVERY_MS = 500;
/** Longer than what a queue may forget when it is rolled back. */
const LATELY_MS = 60_000;
const SWEEP_EVERY_MS = 1_000;
/** Jobs that run are few, and their loss hurts most. */
const UNDER_WAY_EVERY_MS = 2_000;
const UNDER_WAY: readonly UnfinishedState[] = ['running', 'assigned'];
/** Of each second, for a sweep over all jobs: it is never urgent. */
const SWEEP_BUDGET_MS = 100;
const REST_MS = 10_000;
/** A sweep that took long rests long. */
const REST_RATIO = 5;

/** Compares history with the queue, and repairs where they disagree; history is right, but for what only the queue can know. */
export function createReconciler(options: ReconcilerOptions): Reconciler {
  const epochs = new EpochWatch(options);
  const mayRepair = () => epochs.isSettled();
  const sweeper = new Sweeper(options, mayRepair);
  return {
    duties: [
      {
        ...{ name: 'epoch', everyMs: EPOCH_EVERY_MS },
        async run(signal) {
          if (await epochs.check(signal)) sweeper.startOver();
        },
      },
      { name: 'reconcile', everyMs: SWEEP_EVERY_MS, run: (signal) => sweeper.run(signal) },
      {
        ...{ name: 'reconcile-under-way', everyMs: UNDER_WAY_EVERY_MS },
        run: (signal) => drain(sweep(options, { mayRepair, states: UNDER_WAY }), signal),
      },
    ],
    async repair() {
      const unbounded = { limit: Number.POSITIVE_INFINITY, withinMs: Number.POSITIVE_INFINITY };
      return (await collect(sweep(options, { mayRepair: async () => true }), unbounded)).disagreements;
    },
    examine: (bounds) => collect(sweep(options, { mayRepair: async () => false }), bounds),
  };
}

/**
 * Sees that the queue is not what it was: its epoch is gone, is another one, or has counted less far than it had before. Then, in
 * order: begin a new epoch; rebuild the queue; and only then remember the new epoch, so that a rebuild that is cut short begins again.
 */
class EpochWatch {
  readonly #options: ReconcilerOptions;
  #settledId: string | undefined;
  #instance: string | undefined;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  /** `true` when the queue may have lost something, and all jobs should be looked at soon. */
  async check(signal: AbortSignal): Promise<boolean> {
    const { epochKey, history } = this.#options;
    const known = await history.queueEpoch();
    const { epoch, instance, isConfirmed } = await epochKey.advance();
    if (epoch && epoch.id === known?.id && epoch.count > known.count) {
      this.#settledId = epoch.id;
      await history.rememberQueueEpoch(epoch);
      if (!isConfirmed) await epochKey.confirm(instance);
      return this.#isAnother(instance);
    }
    this.#settledId = undefined;
    if (await this.#begin(epoch?.id, signal)) await epochKey.confirm(instance);
    return true;
  }

  /** Whether the queue is in the epoch that history knows: if not, single repairs would disturb the order of the rebuild. */
  async isSettled(): Promise<boolean> {
    return this.#settledId !== undefined && (await this.#options.epochKey.read()) === this.#settledId;
  }

  /** `false` when another node, which leads as well for a moment, has begun one: it rebuilds. */
  async #begin(inPlaceOf: string | undefined, signal: AbortSignal): Promise<boolean> {
    const { epochKey, history, onRebuilt } = this.#options;
    const id = randomUUID();
    if (!(await epochKey.begin(id, inPlaceOf))) return false;
    await this.#closeFences();
    const startedMs = performance.now();
    const jobs = await rebuildQueue(this.#options, signal);
    // counted from the beginning, so that any count of this epoch is higher
    await history.rememberQueueEpoch({ id, count: 0 });
    onRebuilt?.({ jobs, tookMs: performance.now() - startedMs });
    return true;
  }

  /** What the queue hands out again of jobs that have ended must not replace what they have published. */
  async #closeFences(): Promise<void> {
    const { history, fence } = this.#options;
    const published = await history.publishedLately(LATELY_MS);
    await Promise.all(published.map(({ tenant, job_id }) => fence.close(tenant, job_id)));
  }

  #isAnother(instance: string): boolean {
    const isAnother = this.#instance !== undefined && this.#instance !== instance;
    this.#instance = instance;
    return isAnother;
  }
}

/** Sweeps over all jobs, a little at a time, and rests in between. */
class Sweeper {
  readonly #options: ReconcilerOptions;
  readonly #mayRepair: () => Promise<boolean>;
  #sweep: AsyncGenerator<unknown> | undefined;
  #startedMs = 0;
  #nextMs = 0;

  constructor(options: ReconcilerOptions, mayRepair: () => Promise<boolean>) {
    this.#options = options;
    this.#mayRepair = mayRepair;
  }

  startOver(): void {
    this.#sweep = undefined;
    this.#nextMs = 0;
  }

  async run(signal: AbortSignal): Promise<void> {
    const nowMs = performance.now();
    if (nowMs < this.#nextMs || !(await this.#mayRepair())) return;
    if (this.#sweep === undefined) this.#startedMs = nowMs;
    const current = this.#sweep ?? sweep(this.#options, { mayRepair: this.#mayRepair });
    this.#sweep = current;
    try {
      while (!signal.aborted && performance.now() < nowMs + SWEEP_BUDGET_MS) {
        if ((await current.next()).done) return this.#rest();
      }
    } catch (error) {
      this.#sweep = undefined;
      throw error;
    }
  }

  #rest(): void {
    const nowMs = performance.now();
    this.#sweep = undefined;
    this.#nextMs = nowMs + Math.max(this.#options.restMs ?? REST_MS, (nowMs - this.#startedMs) / REST_RATIO);
  }
}

async function drain(pages: AsyncGenerator<unknown>, signal: AbortSignal): Promise<void> {
  for await (const _page of pages) if (signal.aborted) return;
}

async function collect(
  pages: AsyncGenerator<readonly Disagreement[]>,
  { limit, withinMs }: { readonly limit: number; readonly withinMs: number },
): Promise<Examination> {
  const endMs = performance.now() + withinMs;
  const disagreements: Disagreement[] = [];
  let isComplete = true;
  for await (const page of pages) {
    disagreements.push(...page.map(({ kind, tenant, pool, job_id }) => ({ kind, tenant, pool, job_id })));
    isComplete = disagreements.length < limit && performance.now() < endMs;
    if (!isComplete) break;
  }
  return { disagreements, isComplete };
}
