import type { WorkerAdvertisement, WorkerRegistry } from '@guestkit/core/coordination/worker-registry';
import { reach } from './reach.ts';

const FRESH_MS = 1000;
// what is asked here decides about warnings only
const ANSWER_MS = 500;

/** The live workers as of a second ago at most, so that a POST seldom waits for a read of the registry. */
export class LiveWorkers {
  readonly #registry: WorkerRegistry;
  readonly #clock: () => number;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #workers: Promise<readonly WorkerAdvertisement[] | undefined> = Promise.resolve(undefined);

  constructor({ registry, clock }: { readonly registry: WorkerRegistry; readonly clock: () => number }) {
    this.#registry = registry;
    this.#clock = clock;
  }

  /** `undefined` when the registry gives no answer. */
  list(): Promise<readonly WorkerAdvertisement[] | undefined> {
    const now = this.#clock();
    if (now - this.#readAtMs >= FRESH_MS) {
      this.#readAtMs = now;
      this.#workers = reach('Redis', () => this.#registry.list(), ANSWER_MS).catch(() => undefined);
    }
    return this.#workers;
  }
}
