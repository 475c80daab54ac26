import { createBullmqQueue } from '@guestkit/core/queue/bullmq-queue';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { until } from '../../../test/support/condition.ts';
import { startRedis } from '../../../test/support/redis-server.ts';
import { startChild } from './child.ts';
import { accepted, work } from './jobs.ts';
import { startOurWorker } from './processing.ts';
import { bytes, type Finding } from './report.ts';
import type { Stage } from './stage.ts';

const KIB = { filler: 'x'.repeat(1010) };
const PORTION = 500;

/** a9 and a10: raw BullMQ on a Redis as it comes, ours on one with the settings of the embedded one. */
export async function memoryOfJobs(stage: Stage): Promise<Finding[]> {
  const jobs = Math.round(20_000 * stage.scale);
  const [raw, ours] = [await rawMemory(jobs), await ourMemory(stage, jobs)];
  const row = (id: 'a9' | 'a10', base: number, found: number): Finding => ({
    id,
    base: bytes(base / jobs),
    ours: bytes(found / jobs),
    ratio: found / base,
  });
  return [row('a9', raw.waiting, ours.waiting), row('a10', raw.completed, ours.completed)];
}

interface Held {
  readonly waiting: number;
  readonly completed: number;
}

async function rawMemory(jobs: number): Promise<Held> {
  await using redis = await startRedis();
  const socket = redis.url.replace('unix:', '');
  using client = disposable(new Redis(socket));
  const queue = new Queue('raw', { connection: client.redis, prefix: 'bench' });
  const before = await usedBytes(client.redis);
  for (let at = 0; at < jobs; at += PORTION) {
    await queue.addBulk(Array.from({ length: PORTION }, () => ({ name: 'bench.noop', data: KIB })));
  }
  const waiting = (await usedBytes(client.redis)) - before;
  await using _worker = await startChild('children/raw-worker.ts', { BENCH_REDIS: socket });
  await until('raw jobs to end', async () => (await queue.getCompletedCount()) === jobs, { timeoutMs: 120_000 });
  return { waiting, completed: (await usedBytes(client.redis)) - before };
}

async function ourMemory(stage: Stage, jobs: number): Promise<Held> {
  await stage.client.flushall();
  await using queue = createBullmqQueue({ connection: stage.connection, prefix: 'ours' });
  const before = await usedBytes(stage.client);
  for (let at = 0; at < jobs; at += PORTION) {
    await queue.enqueueAll(Array.from({ length: PORTION }, () => accepted(JSON.stringify(work(0, KIB)))));
  }
  const waiting = (await usedBytes(stage.client)) - before;
  await using api = await startChild('children/our-api.ts', {
    ...{ REDIS_URL: stage.redis.url, GUESTKIT_PORT: '0', GUESTKIT_REDIS_PREFIX: 'ours' },
    GUESTKIT_DATA_DIR: await stage.newFolder(),
  });
  await using _worker = await startOurWorker(stage, 'ours');
  const name = { tenant: 'default', pool: 'default' };
  const isDone = async () => {
    const { waiting, active } = await queue.depth(name);
    return waiting + active === 0 && (await stage.client.xlen('ours:events')) === 0;
  };
  await until(`jobs to end, recorded by ${api.pid}`, isDone, { timeoutMs: 180_000, everyMs: 50 });
  return { waiting, completed: (await usedBytes(stage.client)) - before };
}

async function usedBytes(client: Redis): Promise<number> {
  const text = await client.info('memory');
  return Number(/used_memory:(\d+)/.exec(text)?.[1]);
}

function disposable(redis: Redis) {
  return { redis, [Symbol.dispose]: () => redis.disconnect() };
}
