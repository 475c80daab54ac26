import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connectRedis, type RedisConnection } from '@guestkit/core/coordination/redis/connection';
import { Redis } from 'ioredis';
import { startPostgres, type TestPostgres } from '../../../test/support/postgres-server.ts';
import { startRedis, type TestRedis } from '../../../test/support/redis-server.ts';
import { cpuOf, cpuOfFamily } from './cpu.ts';

/** What all contestants share: one Redis with the settings of the embedded one, one PostgreSQL that waits for its disk. */
export interface Stage extends AsyncDisposable {
  readonly redis: TestRedis;
  /** Path of its socket. */
  readonly redisSocket: string;
  /** For the bench's own looks into Redis, and for raw BullMQ. */
  readonly client: Redis;
  /** For our own layer in the process of the bench. */
  readonly connection: RedisConnection;
  readonly postgres: TestPostgres;
  /** Of 1 for a whole run. */
  readonly scale: number;
  readonly rounds: number;
  /** A new folder of its own. */
  newFolder(): Promise<string>;
  readonly redisCpu: () => number;
  readonly postgresCpu: () => number;
}

export interface StageOptions {
  readonly scale: number;
  readonly rounds: number;
}

export const REDIS_ARGS = ['--hash-max-listpack-value', '2048', '--maxmemory-policy', 'noeviction'];
const POSTGRES_SETTINGS = { fsync: 'on', shared_buffers: '256MB', max_wal_size: '4GB', jit: 'off' };

export async function openStage({ scale, rounds }: StageOptions): Promise<Stage> {
  await using opened = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), 'gk-bench-'));
  opened.defer(() => rm(folder, { recursive: true, force: true }));
  const redis = opened.use(await startRedis({ args: REDIS_ARGS }));
  const postgres = opened.use(await startPostgres({ settings: POSTGRES_SETTINGS }));
  const redisSocket = redis.url.replace('unix:', '');
  const client = opened.adopt(new Redis(redisSocket, { maxRetriesPerRequest: null }), (each) => each.disconnect());
  const connection = opened.use(await connectRedis(redis.url, { role: 'client' }));
  const resources = opened.move();
  return {
    ...{ redis, redisSocket, client, connection, postgres, scale, rounds },
    newFolder: () => mkdtemp(path.join(folder, 'data-')),
    redisCpu: () => cpuOf(redis.pid),
    postgresCpu: () => cpuOfFamily(postgres.pid),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
