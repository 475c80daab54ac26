import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { CancelCopy } from '../cancel-copy.ts';
import type { CancelIntent, CancelIntents, CancelWatch } from '../cancel-intents.ts';
import type { RedisConnection } from './connection.ts';

export interface RedisCancelIntentsOptions {
  /** Of role `client`; watching opens another. */
  readonly connection: RedisConnection;
  readonly prefix: string;
  /** How long a copy may lack what no message told of. */
  readonly pollMs?: number;
}

const POLL_MS = 1_000;

/** A hash of the intents, a version that differs after every change of it, and after a flush, and a channel on which new ones are told at once. */
export class RedisCancelIntents implements CancelIntents {
  readonly #options: Required<RedisCancelIntentsOptions>;

  constructor(options: RedisCancelIntentsOptions) {
    this.#options = { pollMs: POLL_MS, ...options };
  }

  async tell(intents: readonly CancelIntent[]): Promise<void> {
    if (intents.length === 0) return;
    await this.#client
      .multi()
      .hset(this.#hash, ...intents.flatMap((intent) => [fieldOf(intent), intent.reason]))
      .set(this.#version, randomUUID())
      .publish(this.#channel, JSON.stringify(intents))
      .exec();
  }

  async withdraw(intents: readonly Pick<CancelIntent, 'tenant' | 'jobId'>[]): Promise<void> {
    if (intents.length === 0) return;
    await this.#client
      .multi()
      .hdel(this.#hash, ...intents.map(fieldOf))
      .set(this.#version, randomUUID())
      .exec();
  }

  async list(): Promise<readonly CancelIntent[]> {
    return Object.entries(await this.#client.hgetall(this.#hash)).map(intentOf);
  }

  async watch(onError: (error: Error) => void): Promise<CancelWatch & AsyncDisposable> {
    const { connection, pollMs } = this.#options;
    const version = () => this.#client.get(this.#version);
    const options = { connection, channel: this.#channel, version, list: () => this.list(), pollMs, onError };
    const watch = new RedisCancelWatch(options);
    try {
      await watch.start();
      return watch;
    } catch (error) {
      await watch[Symbol.asyncDispose]();
      throw error;
    }
  }

  get #client(): RedisConnection['client'] {
    return this.#options.connection.client;
  }

  get #hash(): string {
    return `${this.#options.prefix}:cancels`;
  }

  get #version(): string {
    return `${this.#options.prefix}:cancels:version`;
  }

  get #channel(): string {
    return `${this.#options.prefix}:cancels`;
  }
}

interface WatchOptions {
  readonly connection: RedisConnection;
  readonly channel: string;
  readonly version: () => Promise<string | null>;
  readonly list: () => Promise<readonly CancelIntent[]>;
  readonly pollMs: number;
  readonly onError: (error: Error) => void;
}

/**
 * Hears what is told, and reads the whole hash at the start, after every reconnection, and whenever its version has changed: a message
 * may be lost.
 */
class RedisCancelWatch extends CancelCopy implements AsyncDisposable {
  readonly #options: WatchOptions;
  readonly #subscriber: RedisConnection;
  readonly #closing = new AbortController();
  /** `undefined` when something may have been missed. */
  #known: string | null | undefined;

  constructor(options: WatchOptions) {
    super();
    this.#options = options;
    this.#subscriber = options.connection.duplicate('consumer');
  }

  /** Listens first, then reads, so that nothing falls between the two. */
  async start(): Promise<void> {
    const { client } = this.#subscriber;
    client.on('message', (_channel, message) => this.#hear(message));
    // ioredis subscribes again by itself; what was told meanwhile is not told again
    client.on('ready', () => {
      this.#known = undefined;
    });
    await client.subscribe(this.#options.channel);
    await this.#catchUp();
    void this.#poll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#subscriber[Symbol.asyncDispose]();
  }

  #hear(message: string): void {
    try {
      this.add(JSON.parse(message));
      // what was told may be lost from the hash by the next look
      this.#known = undefined;
    } catch (error) {
      this.#options.onError(error as Error);
    }
  }

  async #poll(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await delay(this.#options.pollMs, undefined, { signal }).catch(() => {});
      if (this.#options.connection.isReady) await this.#catchUp().catch((error) => this.#tellFault(error));
    }
  }

  #tellFault(error: Error): void {
    if (!this.#closing.signal.aborted) this.#options.onError(error);
  }

  async #catchUp(): Promise<void> {
    const newest = await this.#options.version();
    if (newest === this.#known) return;
    this.replace(await this.#options.list());
    // what was told after the version was read is read again the next time
    this.#known = newest;
  }
}

function fieldOf({ tenant, jobId }: Pick<CancelIntent, 'tenant' | 'jobId'>): string {
  return JSON.stringify([tenant, jobId]);
}

function intentOf([field, reason]: readonly [string, string]): CancelIntent {
  const [tenant, jobId]: [string, string] = JSON.parse(field);
  return { tenant, jobId, reason };
}
