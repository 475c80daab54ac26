import type { WorkerAdvertisement, WorkerRegistry } from '../worker-registry.ts';
import type { RedisConnection } from './connection.ts';

export interface RedisWorkerRegistryOptions {
  readonly connection: RedisConnection;
  readonly prefix: string;
}

/** One key per worker that expires by itself, and a set of their ids to find them by. */
export class RedisWorkerRegistry implements WorkerRegistry {
  readonly #connection: RedisConnection;
  readonly #prefix: string;

  constructor({ connection, prefix }: RedisWorkerRegistryOptions) {
    this.#connection = connection;
    this.#prefix = prefix;
  }

  async announce(worker: WorkerAdvertisement, timeToLiveMs: number): Promise<void> {
    await this.#connection.client
      .multi()
      .set(this.#keyOf(worker.worker_id), JSON.stringify(worker), 'PX', timeToLiveMs)
      .sadd(this.#index, worker.worker_id)
      .exec();
  }

  async withdraw(workerId: string): Promise<void> {
    await this.#connection.client.multi().del(this.#keyOf(workerId)).srem(this.#index, workerId).exec();
  }

  async list(): Promise<readonly WorkerAdvertisement[]> {
    const ids = (await this.#connection.client.smembers(this.#index)).sort();
    if (ids.length === 0) return [];
    const entries = await this.#connection.client.mget(ids.map((id) => this.#keyOf(id)));
    await this.#prune(ids.filter((_, index) => entries[index] === null));
    return entries.filter((entry) => entry !== null).map((entry): WorkerAdvertisement => JSON.parse(entry));
  }

  /** A worker that announces itself again meanwhile comes back into the index with its next heartbeat. */
  async #prune(deadIds: readonly string[]): Promise<void> {
    if (deadIds.length > 0) await this.#connection.client.srem(this.#index, ...deadIds);
  }

  get #index(): string {
    return `${this.#prefix}:workers`;
  }

  #keyOf(workerId: string): string {
    return `${this.#prefix}:worker:${workerId}`;
  }
}
