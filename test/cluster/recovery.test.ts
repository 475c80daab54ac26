import { execFile } from 'node:child_process';
import { cp, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiProcess, type Cluster, startCluster } from '../support/cluster.ts';
import { until } from '../support/condition.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const LONG = { timeoutMs: 120_000, everyMs: 100 };

interface Job {
  readonly job_id: string;
  readonly status: string;
  readonly attempts: readonly { readonly attempt: number; readonly outcome: string }[];
}

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster({
    // every job takes a process of its own, so they are few, and do nothing but take their time
    ...{ apiNodes: 2, workers: 2, misbehaving: true },
    workerSettings: { GUESTKIT_SLOTS: '2' },
  });
}, 180_000);
afterAll(() => cluster?.[Symbol.asyncDispose]());

describe('a cluster', { timeout: 240_000 }, () => {
  test('ends every job once when Redis is flushed while jobs wait and run', async () => {
    const ids = await submitMany(nodeOf(cluster), 20, 200);
    await until('some have ended, and others run', async () => (await count('completed')) >= 4, LONG);
    await withRedis((redis) => redis.flushall());
    await allCompleted(ids);
    expect(await metricSum('guestkit_queue_rebuilds_total')).toBeGreaterThan(0);
  });

  test('ends every job once when Redis is killed and started again', async () => {
    const ids = await submitMany(nodeOf(cluster), 20, 200);
    await until('some run', async () => (await count('running')) > 0, LONG);
    await cluster.redis.kill();
    await cluster.redis.restart();
    await allCompleted(ids);
  });

  test('ends every job once when Redis comes back with an older copy of its file', async () => {
    const { folder } = cluster.redis;
    const before = await submitMany(nodeOf(cluster), 10, 300);
    await cp(path.join(folder, 'appendonlydir'), path.join(folder, 'older'), { recursive: true });
    const after = await submitMany(nodeOf(cluster), 12, 100);
    await until('some have ended', async () => (await ended(before)).length > 2, LONG);
    await cluster.redis.stop();
    await rm(path.join(folder, 'appendonlydir'), { recursive: true });
    await cp(path.join(folder, 'older'), path.join(folder, 'appendonlydir'), { recursive: true });
    const rebuilds = await metricSum('guestkit_queue_rebuilds_total');
    await cluster.redis.restart();
    await allCompleted([...before, ...after]);
    await until(
      'the roll-back was noticed',
      async () => (await metricSum('guestkit_queue_rebuilds_total')) > rebuilds,
      LONG,
    );
  });

  test('enqueues a job whose API node was killed after it was durable, and before it was enqueued', async () => {
    const doomed = await cluster.addApi();
    await cluster.redis.stop();
    const [id = ''] = await submitMany(doomed, 1, 0);
    await doomed.kill();
    await cluster.redis.restart();
    await allCompleted([id]);
  });

  test('has another leader soon after the first was killed', async () => {
    const leader = await findLeader();
    const standby = await cluster.addApi();
    await leader.kill();
    const [id = ''] = await submitMany(standby, 1, 0);
    await until('another node leads', async () => (await leaders()).length === 1, LONG);
    await allCompleted([id]);
  });

  test('is found healthy by the doctor, who repairs what he finds', async () => {
    const { url } = nodeOf(cluster);
    const run = promisify(execFile);
    const command = ['apps/cli/bin/guestkit-worker.js', 'doctor', '--repair', '--url', url, '-o', 'json'];
    await until(
      'the doctor is content',
      async () => {
        const { stdout } = await run(process.execPath, command, { cwd: ROOT }).catch((failure) => failure);
        return JSON.parse(stdout).healthy;
      },
      { ...LONG, everyMs: 1_000 },
    );
  });
});

function nodeOf({ apis }: Cluster): ApiProcess {
  return apis.find((api) => api.isRunning()) ?? expect.fail('an API node runs');
}

let batches = 0;

async function submitMany(api: ApiProcess, jobs: number, holdMs: number): Promise<readonly string[]> {
  batches += 1;
  const ids = Array.from({ length: jobs }, (_, n) => `job-${batches}-number-${n}`);
  await Promise.all(
    ids.map((job_id) =>
      api.call('POST', '/api/v1/jobs', {
        ...{ job_id, operation: 'test.pause', payload: { data: { ms: holdMs } } },
      }),
    ),
  );
  return ids;
}

async function allCompleted(ids: readonly string[]): Promise<void> {
  // one after the other: to ask for all of them time and again takes the processors that the jobs need
  for (const id of ids) await until(`${id} to end`, async () => (await ended([id])).length === 1, LONG);
  for (const job of await ended(ids)) {
    expect(job.status).toBe('completed');
    expect(job.attempts.filter(({ outcome }) => outcome === 'completed')).toHaveLength(1);
  }
}

async function ended(ids: readonly string[]): Promise<readonly Job[]> {
  const jobs = await Promise.all(ids.map((id) => nodeOf(cluster).call<Job>('GET', `/api/v1/jobs/${id}`)));
  return jobs.filter(({ status }) => ['completed', 'failed', 'cancelled', 'timeout'].includes(status));
}

async function count(status: string): Promise<number> {
  const { jobs } = await nodeOf(cluster).call<{ jobs: readonly Job[] }>('GET', `/api/v1/jobs?status=${status}`);
  return jobs.length;
}

async function withRedis(work: (redis: Redis) => Promise<unknown>): Promise<void> {
  const redis = new Redis({ path: cluster.redis.url.replace('unix:', '') });
  try {
    await work(redis);
  } finally {
    redis.disconnect();
  }
}

async function findLeader(): Promise<ApiProcess> {
  let found: ApiProcess | undefined;
  await until(
    'a node leads',
    async () => {
      [found] = await leaders();
      return found !== undefined;
    },
    LONG,
  );
  return found ?? expect.fail('a node leads');
}

async function leaders(): Promise<readonly ApiProcess[]> {
  const running = cluster.apis.filter((api) => api.isRunning());
  const leading = await Promise.all(running.map(async (api) => (await metricOf(api, 'guestkit_leader')) === 1));
  return running.filter((_api, index) => leading[index]);
}

async function metricSum(name: string): Promise<number> {
  const running = cluster.apis.filter((api) => api.isRunning());
  const values = await Promise.all(running.map((api) => metricOf(api, name)));
  return values.reduce((sum, value) => sum + value, 0);
}

async function metricOf({ url }: ApiProcess, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\d+)`, 'm').exec(text)?.[1] ?? 0);
}
