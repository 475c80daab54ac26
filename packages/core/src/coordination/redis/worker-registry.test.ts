import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../../../../test/support/condition.ts';
import { startRedis, type TestRedis } from '../../../../../test/support/redis-server.ts';
import type { WorkerAdvertisement } from '../worker-registry.ts';
import { connectRedis, type RedisConnection } from './connection.ts';
import { RedisWorkerRegistry } from './worker-registry.ts';

let redis: TestRedis;
let connection: RedisConnection;
beforeAll(async () => {
  redis = await startRedis();
  connection = await connectRedis(redis.url, { role: 'client' });
});
afterAll(async () => {
  await connection[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

const LONG_MS = 60_000;

describe('RedisWorkerRegistry', () => {
  test('lists nobody at first', async () => {
    expect(await registry().list()).toEqual([]);
  });

  test('lists live workers by id, each as it last announced itself', async () => {
    const workers = registry();
    for (const id of ['worker-b', 'worker-a', 'worker-c']) await workers.announce(worker(id), LONG_MS);
    const draining = { ...worker('worker-b'), status: { ...worker('worker-b').status, state: 'draining' as const } };
    await workers.announce(draining, LONG_MS);
    expect(await workers.list()).toEqual([worker('worker-a'), draining, worker('worker-c')]);
  });

  test('forgets a worker that withdraws', async () => {
    const workers = registry();
    await workers.announce(worker('worker-a'), LONG_MS);
    await workers.withdraw('worker-a');
    expect(await workers.list()).toEqual([]);
  });

  test('forgets a worker that does not renew its announcement, in the index too', async () => {
    const prefix = randomUUID();
    const workers = registry(prefix);
    await workers.announce(worker('worker-a'), 20);
    await workers.announce(worker('worker-b'), LONG_MS);
    await until('its time is over', async () => (await workers.list()).length === 1);
    expect(await connection.client.smembers(`${prefix}:workers`)).toEqual(['worker-b']);
  });

  test('knows a worker again after a flush, from its next announcement on', async () => {
    const workers = registry();
    await workers.announce(worker('worker-a'), LONG_MS);
    await connection.client.flushall();
    expect(await workers.list()).toEqual([]);
    await workers.announce(worker('worker-a'), LONG_MS);
    expect(await workers.list()).toHaveLength(1);
  });
});

function registry(prefix: string = randomUUID()): RedisWorkerRegistry {
  return new RedisWorkerRegistry({ connection, prefix });
}

function worker(id: string): WorkerAdvertisement {
  return {
    worker_id: id,
    version: '0.1.0',
    hostname: 'host-1',
    registered_at: '2026-05-04T08:00:00.000Z',
    capabilities: { operations: ['system.echo'], features: [], disk_formats: ['raw'] },
    resources: { max_concurrent_jobs: 2, max_disk_size_gb: 100, available_disk_gb: 50, cpu_cores: 2, memory_gb: 4 },
    configuration: { privileged: false, worker_pool: 'default', data_locality: [], labels: {} },
    status: { state: 'ready', current_jobs: 0, last_heartbeat: '2026-05-04T08:00:00.000Z' },
  };
}
