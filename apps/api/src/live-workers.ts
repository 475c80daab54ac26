import type { WorkerAdvertisement, WorkerRegistry } from '@guestkit/core/coordination/worker-registry';

const FRESH_MS = 1000;

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

  /** `undefined` when the registry cannot be read. */
  list(): Promise<readonly WorkerAdvertisement[] | undefined> {
    const now = this.#clock();
    if (now - this.#readAtMs >= FRESH_MS) {
      this.#readAtMs = now;
      this.#workers = this.#registry.list().catch(() => undefined);
    }
    return this.#workers;
  }
}
