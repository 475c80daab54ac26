import { setTimeout as delay } from 'node:timers/promises';
import type { ConsumeOptions, Consumer, JobQueue } from '@guestkit/core/queue/job-queue';
import { within } from './within.ts';

export interface ConsumptionOptions extends ConsumeOptions {
  readonly queue: JobQueue;
  /** How long nothing may be taken while jobs wait and slots are free. */
  readonly stuckMs: number;
  /** Told when the consumer was replaced. */
  readonly onReplaced: () => void;
  /** Told when that did not help: only another process may. */
  readonly onStuck: () => void;
  readonly onError: (error: Error) => void;
}

const LOOKS = 5;
const LEAVE_MS = 5_000;

/**
 * The claiming of jobs, watched. In order: consume; when nothing is taken for too long, though jobs wait, slots are free and nobody
 * holds the queue back, let another consumer take over, on connections of its own, while the attempts of the old one end; when
 * that takes nothing either, say so.
 */
export class Consumption implements Consumer {
  readonly #options: ConsumptionOptions;
  readonly #stopping = new AbortController();
  readonly #leaving = new Set<Consumer>();
  #current: Consumer | undefined;
  #watching: Promise<void> | undefined;
  /** When something was taken, or there was nothing to take, by the monotonic clock. */
  #wellAtMs = performance.now();
  #isReplaced = false;

  constructor(options: ConsumptionOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#current = await this.#consume();
    this.#wellAtMs = performance.now();
    this.#watching = this.#watch();
  }

  /** From its start until it is told to stop. */
  get isClaiming(): boolean {
    return this.#current !== undefined && !this.#stopping.signal.aborted;
  }

  get active(): number {
    return this.#consumers.reduce((sum, { active }) => sum + active, 0);
  }

  get fault(): string | undefined {
    if (this.#current === undefined) return 'claiming has not begun';
    if (this.#stopping.signal.aborted) return undefined;
    if (performance.now() - this.#wellAtMs > this.#options.stuckMs)
      return 'jobs wait, slots are free, and none is taken';
    return this.#current.fault;
  }

  async stopClaiming(): Promise<void> {
    this.#stopping.abort();
    await this.#watching;
    await this.#current?.stopClaiming();
  }

  async idle(): Promise<void> {
    await Promise.all(this.#consumers.map((consumer) => consumer.idle()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#watching;
    await Promise.all(this.#consumers.map((consumer) => consumer[Symbol.asyncDispose]()));
  }

  get #consumers(): readonly Consumer[] {
    return [...(this.#current ? [this.#current] : []), ...this.#leaving];
  }

  #consume(): Promise<Consumer> {
    const { queue, handle, ...options } = this.#options;
    return queue.consume({
      ...options,
      handle: (delivery, signal) => {
        this.#wellAtMs = performance.now();
        this.#isReplaced = false;
        return handle(delivery, signal);
      },
    });
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stopping;
    const { stuckMs, onError } = this.#options;
    while (!signal.aborted) {
      await delay(stuckMs / LOOKS, undefined, { signal }).catch(() => {});
      if (!signal.aborted) await this.#look().catch(onError);
    }
  }

  async #look(): Promise<void> {
    // without an answer from the queue there is nothing to take
    const hasWork = await this.#isWorkWaiting().catch(() => false);
    if (!hasWork) this.#wellAtMs = performance.now();
    if (performance.now() - this.#wellAtMs <= this.#options.stuckMs) return;
    if (this.#isReplaced) return this.#options.onStuck();
    await this.#replace();
  }

  async #isWorkWaiting(): Promise<boolean> {
    const { queue, slots, tenant, pool } = this.#options;
    if (this.active >= slots) return false;
    const { waiting } = await queue.depth({ tenant, pool });
    return waiting > 0 && !(await queue.isHeld({ tenant, pool }));
  }

  async #replace(): Promise<void> {
    this.#isReplaced = true;
    const old = this.#current;
    this.#options.onReplaced();
    if (old) void this.#leave(old);
    this.#current = await this.#consume();
    this.#wellAtMs = performance.now();
  }

  /** What is stuck may not even stop in order. */
  async #leave(old: Consumer): Promise<void> {
    this.#leaving.add(old);
    await within(LEAVE_MS, old.stopClaiming());
    await old.idle();
    await old[Symbol.asyncDispose]();
    this.#leaving.delete(old);
  }
}
