import { existsSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connectRedis } from '@guestkit/core/coordination/redis/connection';
import { openSqliteHistory } from '@guestkit/core/history/sqlite/open';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiProcess, type Cluster, startCluster } from '../support/cluster.ts';
import { until } from '../support/condition.ts';

interface Job {
  readonly status: string;
  readonly detail: string | null;
  readonly worker_id: string | null;
  readonly progress: { readonly phase: string; readonly message: string } | null;
  readonly attempts: readonly { readonly outcome: string }[];
}

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({
    ...{ apiNodes: 2, workers: 1, misbehaving: true },
    workerSettings: { GUESTKIT_SLOTS: '3', GUESTKIT_KILL_GRACE_MS: '300', GUESTKIT_JAIL_MEMORY_MB: '128' },
  });
}, 180_000);
afterAll(() => cluster?.[Symbol.asyncDispose]());

describe('a job is cancelled by the other node', { timeout: 120_000 }, () => {
  test('while it waits for its first attempt', async () => {
    const id = await submit('test.linger', { routing: { worker_pool: 'nobody' } });
    expect(await cancel(id)).toBe('cancelled');
    expect(await show(id)).toMatchObject({ status: 'cancelled', attempts: [] });
  });

  test('while it waits for its retry', async () => {
    const retry = { policy: 'fixed', delay_seconds: 600 };
    const id = await submit('test.abort', { execution: { max_attempts: 3, retry } });
    await until('the job to wait for its retry', async () => (await show(id)).detail === 'waiting for retry', LONG);
    expect(await cancel(id)).toBe('cancelled');
    expect(await show(id)).toMatchObject({ status: 'cancelled', attempts: [{ outcome: 'retry' }] });
  });

  test.each(['test.spin', 'test.stubborn'])('while it runs %s, whose process is gone then', async (operation) => {
    const { id, pid } = await running(operation);
    await cancel(id);
    await isCancelled(id);
    await until('the process to be gone', () => !isAlive(pid));
  });

  test('while it is just beginning, at any moment', async () => {
    for (let round = 0; round < 12; round += 1) {
      const id = await submit('test.linger');
      await delay(round * 15);
      await cancel(id);
      await isCancelled(id);
      const pid = Number((await show(id)).progress?.message);
      if (pid > 0) await until('the process to be gone', () => !isAlive(pid));
    }
  });

  test('though Redis does not answer when it is asked', async () => {
    const { id, pid } = await running('test.linger');
    await using redis = await connectRedis(cluster.redis.url, { role: 'client' });
    await redis.client.call('CLIENT', 'PAUSE', '1500', 'ALL');
    await cancel(id);
    await isCancelled(id);
    await until('the process to be gone', () => !isAlive(pid));
  });

  test('though its worker was killed, and no other ever comes', async () => {
    const worker = await cluster.addWorker({ GUESTKIT_POOL: 'doomed' });
    const { id, pid } = await running('test.linger', { routing: { worker_pool: 'doomed' } });
    await worker.kill();
    await cancel(id);
    await isCancelled(id);
    await until('the process to be gone', () => !isAlive(pid));
  });

  test('though nobody was told but the database, and both nodes were killed', async () => {
    const { id, pid } = await running('test.linger');
    await using history = await openSqliteHistory({ file: path.join(cluster.folder, 'history.sqlite') });
    await Promise.all(cluster.apis.map((api) => api.kill()));
    await history.requestCancel('default', id, 'not needed');
    const api = await cluster.addApi();
    await until('the job to end', async () => (await show(id, api)).status === 'cancelled', LONG);
    expect(await show(id, api)).toMatchObject({ detail: 'not needed' });
    await until('the process to be gone', () => !isAlive(pid));
  });
});

const LONG = { timeoutMs: 60_000 };

function node(place: number): ApiProcess {
  const api = cluster.apis[place];
  if (api === undefined) throw new Error(`there is no node ${place}`);
  return api;
}

async function submit(operation: string, members: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const document = { operation, payload: { data: {} }, ...members };
  return (await node(0).call<{ job_id: string }>('POST', '/api/v1/jobs', document)).job_id;
}

/** A job whose process has told its id. */
async function running(operation: string, members: Readonly<Record<string, unknown>> = {}) {
  const id = await submit(operation, members);
  await until('the attempt to run', async () => (await show(id)).progress?.phase === 'inspection', LONG);
  const pid = Number((await show(id)).progress?.message);
  expect(isAlive(pid)).toBe(true);
  return { id, pid };
}

async function cancel(id: string): Promise<string> {
  return (await node(1).call<{ status: string }>('POST', `/api/v1/jobs/${id}/cancel`, {})).status;
}

function show(id: string, api: ApiProcess = node(0)): Promise<Job> {
  return api.call<Job>('GET', `/api/v1/jobs/${id}`);
}

async function isCancelled(id: string): Promise<void> {
  await until(`${id} to be cancelled`, async () => (await show(id)).status === 'cancelled', LONG);
}

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}
