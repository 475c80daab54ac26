import type { QueueEpochKey, QueueEpochReading } from '../queue-epoch.ts';
import { answersOf } from './answers.ts';
import type { RedisConnection } from './connection.ts';
import { epochKeyOf, runIdIn } from './epoch-hash.ts';

export interface RedisQueueEpochKeyOptions {
  readonly connection: RedisConnection;
  readonly prefix: string;
}

/** A hash of the id, the count, and the run of Redis that is confirmed. */
export class RedisQueueEpochKey implements QueueEpochKey {
  readonly #connection: RedisConnection;
  readonly #key: string;

  constructor({ connection, prefix }: RedisQueueEpochKeyOptions) {
    this.#connection = connection;
    this.#key = epochKeyOf(prefix);
  }

  async advance(): Promise<QueueEpochReading> {
    const replies = await this.#connection.client
      .multi()
      .hincrby(this.#key, 'count', 1)
      .hmget(this.#key, 'id', 'confirmed')
      .info('server')
      .exec();
    const [count, fields, server] = answersOf(replies);
    const [id, confirmed] = Array.isArray(fields) ? fields : [];
    const instance = runIdIn(String(server));
    return {
      epoch: typeof id === 'string' ? { id, count: Number(count) } : undefined,
      instance,
      isConfirmed: confirmed === instance,
    };
  }

  async read(): Promise<string | undefined> {
    return (await this.#connection.client.hget(this.#key, 'id')) ?? undefined;
  }

  async confirm(instance: string): Promise<void> {
    await this.#connection.client.hset(this.#key, 'confirmed', instance);
  }

  async begin(id: string, inPlaceOf: string | undefined): Promise<boolean> {
    const { client } = this.#connection;
    if (inPlaceOf === undefined) return (await client.hsetnx(this.#key, 'id', id)) === 1;
    return (await client.eval(REPLACE, 1, this.#key, inPlaceOf, id)) === 1;
  }
}

const REPLACE = `
  if redis.call('hget', KEYS[1], 'id') ~= ARGV[1] then return 0 end
  redis.call('hset', KEYS[1], 'id', ARGV[2])
  return 1`;
