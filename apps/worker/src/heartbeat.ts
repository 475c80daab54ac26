import { setTimeout as delay } from 'node:timers/promises';
import type { WorkerAdvertisement, WorkerRegistry } from '@guestkit/core/coordination/worker-registry';
import type { Advertiser, WorkerState } from './advertisement.ts';

/** Signs of life that may be missed before others take the worker for dead. */
const MISSED_BEATS = 3;

export interface HeartbeatOptions {
  readonly workerId: string;
  readonly registry: WorkerRegistry;
  readonly everyMs: number;
  readonly slots: number;
  readonly activeJobs: () => number;
  readonly advertise: Advertiser;
  readonly onError: (error: Error) => void;
}

/** Announces the worker now and then on, until disposed of; then withdraws it. */
export class Heartbeat implements AsyncDisposable {
  readonly #options: HeartbeatOptions;
  readonly #stopping = new AbortController();
  #loop: Promise<void> | undefined;
  #advertisement: WorkerAdvertisement | undefined;
  #heardAtMs = performance.now();
  #isDraining = false;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** Resolves when the worker was announced, or could not be for the time being. */
  async start(): Promise<void> {
    await this.#beat();
    this.#loop = this.#run();
  }

  /** What was announced last. */
  get advertisement(): WorkerAdvertisement {
    if (this.#advertisement === undefined)
      throw new Error('Cannot say what the worker offers: it was not announced yet');
    return this.#advertisement;
  }

  /** Since the registry last heard of the worker. */
  get ageSeconds(): number {
    return (performance.now() - this.#heardAtMs) / 1000;
  }

  /** Whether others take the worker for dead by now. */
  get isLate(): boolean {
    return this.ageSeconds * 1000 > this.#timeToLiveMs;
  }

  /** Tells everyone that the worker takes no more jobs. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    await this.#beat();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    await this.#options.registry.withdraw(this.#options.workerId).catch(this.#options.onError);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await delay(this.#options.everyMs, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) await this.#beat();
    }
  }

  async #beat(): Promise<void> {
    const { registry, advertise, activeJobs, onError } = this.#options;
    try {
      this.#advertisement = await advertise(this.#state, activeJobs());
      await registry.announce(this.#advertisement, this.#timeToLiveMs);
      this.#heardAtMs = performance.now();
    } catch (error) {
      onError(error as Error);
    }
  }

  get #state(): WorkerState {
    if (this.#isDraining) return 'draining';
    return this.#options.activeJobs() >= this.#options.slots ? 'busy' : 'ready';
  }

  get #timeToLiveMs(): number {
    return this.#options.everyMs * MISSED_BEATS;
  }
}
