import type { JobEvent } from '../../job/event.ts';
import type { EventConsumption, EventStream } from '../event-stream.ts';
import type { RedisConnection } from './connection.ts';
import { encodeEvent } from './event-codec.ts';
import { EventReader } from './event-reader.ts';

export interface RedisEventStreamOptions {
  /** The stream opens others like it and disposes of those. */
  readonly connection: RedisConnection;
  readonly prefix: string;
  /** After how long a batch that was read but not recorded goes to another consumer. */
  readonly reclaimAfterMs?: number;
}

const RECLAIM_AFTER_MS = 15_000;

/** One Redis stream for all events. Entries leave it once they are recorded, so its length is the recorders' backlog. */
export class RedisEventStream implements EventStream {
  readonly #options: Required<RedisEventStreamOptions>;
  readonly #closing = new AbortController();
  readonly #consumptions = new Set<Promise<void>>();
  #writer: RedisConnection | undefined;

  constructor(options: RedisEventStreamOptions) {
    this.#options = { reclaimAfterMs: RECLAIM_AFTER_MS, ...options };
  }

  async publish(events: readonly JobEvent[]): Promise<void> {
    const entries = await Promise.all(events.map(encodeEvent));
    // a writer that waits for Redis to return, and then sends again what got no answer
    this.#writer ??= this.#options.connection.duplicate('consumer');
    const { client } = this.#writer;
    await Promise.all(entries.map(([field, value]) => client.xadd(this.#key, '*', field, value)));
  }

  async consume(options: EventConsumption, signal: AbortSignal): Promise<void> {
    const consumption = this.#read(options, AbortSignal.any([signal, this.#closing.signal]));
    this.#consumptions.add(consumption);
    await consumption.finally(() => this.#consumptions.delete(consumption));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#consumptions);
    await this.#writer?.[Symbol.asyncDispose]();
  }

  async #read(options: EventConsumption, signal: AbortSignal): Promise<void> {
    await using connection = this.#options.connection.duplicate('consumer');
    const reader = new EventReader({
      ...options,
      client: connection.client,
      key: this.#key,
      reclaimAfterMs: this.#options.reclaimAfterMs,
    });
    await reader.run(signal);
  }

  get #key(): string {
    return `${this.#options.prefix}:events`;
  }
}
