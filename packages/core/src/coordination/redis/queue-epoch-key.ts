import type { QueueEpochKey, QueueEpochReading } from '../queue-epoch.ts';
import type { RedisConnection } from './connection.ts';

export interface RedisQueueEpochKeyOptions {
  readonly connection: RedisConnection;
  readonly prefix: string;
}

/** A hash of the id and the count. */
export class RedisQueueEpochKey implements QueueEpochKey {
  readonly #connection: RedisConnection;
  readonly #key: string;

  constructor({ connection, prefix }: RedisQueueEpochKeyOptions) {
    this.#connection = connection;
    this.#key = `${prefix}:epoch`;
  }

  async advance(): Promise<QueueEpochReading> {
    const answers = await this.#connection.client
      .multi()
      .hincrby(this.#key, 'count', 1)
      .hget(this.#key, 'id')
      .info('server')
      .exec();
    const [count, id, server] = (answers ?? []).map(([error, answer]) => {
      if (error) throw error;
      return answer;
    });
    return {
      epoch: typeof id === 'string' ? { id, count: Number(count) } : undefined,
      instance: /^run_id:(\w+)/m.exec(String(server))?.[1] ?? '',
    };
  }

  async read(): Promise<string | undefined> {
    return (await this.#connection.client.hget(this.#key, 'id')) ?? undefined;
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
