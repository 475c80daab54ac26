import type { Queue } from 'bullmq';
import type { BullmqJob, BullmqJobData } from './bullmq-layout.ts';

/** Of those that come one by one: so many that Redis works on one portion while the next is put together. */
const PORTION = 25;
/** Of those that come together: each call costs a copy of all scripts of BullMQ. */
const LARGE_PORTION = 100;

interface Waiting {
  readonly job: BullmqJob;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Adds jobs to one queue of BullMQ. Those that come in one turn of the event loop go to Redis together: a write and a read of a socket
 * each cost more than what a job says.
 */
export class BullmqAdds {
  readonly #queue: Queue<BullmqJobData>;
  #waiting: Waiting[] = [];
  /** Under way. */
  #portions = 0;

  constructor(queue: Queue<BullmqJobData>) {
    this.#queue = queue;
  }

  /** Resolves when Redis has the job. */
  add(job: BullmqJob): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ job, resolve, reject });
    if (this.#waiting.length === PORTION) this.#send();
    // after all that this turn has to say
    else if (this.#waiting.length === 1) process.nextTick(() => this.#send());
    return promise;
  }

  /** Resolves when Redis has all of them. */
  async addAll(jobs: readonly BullmqJob[]): Promise<void> {
    // those that came before go first
    this.#send();
    const starts = jobs.keys().filter((index) => index % LARGE_PORTION === 0);
    await Promise.all(starts.map((start) => this.#addTogether(jobs.slice(start, start + LARGE_PORTION))));
  }

  #addTogether(jobs: readonly BullmqJob[]): Promise<unknown> {
    const portion = jobs.map((job) => ({ job, ...Promise.withResolvers<void>() }));
    void this.#deliver(portion);
    return Promise.all(portion.map(({ promise }) => promise));
  }

  #send(): void {
    const portion = this.#waiting;
    if (portion.length === 0) return;
    this.#waiting = [];
    void this.#deliver(portion);
  }

  async #deliver(portion: readonly Waiting[]): Promise<void> {
    try {
      await this.#put(portion.map(({ job }) => job));
      for (const { resolve } of portion) resolve();
    } catch (error) {
      await this.#onFault(portion, error);
    }
  }

  async #put(jobs: readonly BullmqJob[]): Promise<void> {
    const [first] = jobs;
    // a script that Redis may have forgotten makes a portion wait: nobody overtakes it
    if (jobs.length === 1 && first && this.#portions === 0) {
      await this.#queue.add(first.name, first.data, first.options);
      return;
    }
    this.#portions += 1;
    try {
      await this.#queue.addBulk(jobs.map(({ name, data, options }) => ({ name, data, opts: options })));
    } finally {
      this.#portions -= 1;
    }
  }

  /** A fault may be owed to one of them; adding again what was added changes nothing. */
  async #onFault(portion: readonly Waiting[], error: unknown): Promise<void> {
    if (portion.length === 1) portion[0]?.reject(error);
    else await Promise.all(portion.map((one) => this.#deliver([one])));
  }
}
