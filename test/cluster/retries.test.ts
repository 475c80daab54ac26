import { readWorkerConfig } from '@guestkit/core/config/worker-config';
import { ERROR_CLASSES } from '@guestkit/core/job/error-class';
import { createLogger } from '@guestkit/core/telemetry/logger';
import { DiskError } from '@guestkit/disk';
import type { Operation } from '@guestkit/operations/operation';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import type { TestClient } from '../../apps/api/src/testing/api-client.ts';
import { setStage } from '../../apps/api/src/testing/stage.ts';
import { MISBEHAVING_REPERTOIRE } from '../../apps/worker/src/testing/worker-bench.ts';
import { type Repertoire, startWorker } from '../../apps/worker/src/worker.ts';
import { startCluster } from '../support/cluster.ts';
import { until } from '../support/condition.ts';

interface Job {
  readonly status: string;
  readonly detail: string | null;
  readonly attempts: readonly { readonly outcome: string; readonly error: { readonly code: string } | null }[];
}

/** Storage that fails twice, and then works. */
let reads = 0;
const FLAKY: Operation = {
  name: 'test.flaky',
  isolation: 'inline',
  payload: z.unknown(),
  images: () => [],
  output: () => undefined,
};
const REPERTOIRE: Repertoire = {
  ...MISBEHAVING_REPERTOIRE,
  operations: new Map([...MISBEHAVING_REPERTOIRE.operations, [FLAKY.name, FLAKY]]),
  inlineRunners: new Map([...MISBEHAVING_REPERTOIRE.inlineRunners, [FLAKY.name, readFlaky]]),
};

function readFlaky(): object {
  reads += 1;
  if (reads <= 2) throw new DiskError('io', 'Cannot read the image: EIO');
  return { reads };
}

const AT_ONCE = { policy: 'fixed', delay_seconds: 0 };

describe('a cluster', { timeout: 60_000 }, async () => {
  const { place, client, stack } = await setStage();
  const argv = ['--slots', '2', '--metrics-port', '0', '--jail-memory-mb', '128', '--data-dir', place.folder];
  const config = { ...readWorkerConfig({ argv, env: {} }), redisUrl: place.redis.url };
  const worker = await startWorker(
    config,
    createLogger({ level: 'silent', app: 'worker', nodeId: 'test' }),
    REPERTOIRE,
  );
  stack.defer(() => worker.stop());

  test('tries a job again whose image could not be read twice, and completes it', async () => {
    const id = await submit(client, 'test.flaky', { max_attempts: 3, retry: AT_ONCE });
    const { status, attempts } = await ended(client, id);
    expect(status).toBe('completed');
    expect(attempts.map(({ outcome, error }) => [outcome, error?.code])).toEqual([
      ['retry', 'IMAGE_UNREADABLE'],
      ['retry', 'IMAGE_UNREADABLE'],
      ['completed', undefined],
    ]);
    expect((await client.get(`/api/v1/dead-letters/${id}`)).status).toBe(404);
  });

  test('gives a job that kills its process each time as many attempts as it may have, and then a dead letter', async () => {
    const id = await submit(client, 'test.abort', { max_attempts: 3, retry: AT_ONCE });
    expect(await ended(client, id)).toMatchObject({
      status: 'failed',
      attempts: [{ outcome: 'retry' }, { outcome: 'retry' }, { outcome: 'failed', error: { code: 'ATTEMPT_CRASHED' } }],
    });
    expect((await client.get(`/api/v1/dead-letters/${id}`)).body.data).toMatchObject({
      ...{ class: 'crash', because: 'attempts', attempts: 3, history: [{}, {}, { outcome: 'failed' }] },
    });
  });

  test('never tries a corrupt image again, though the document asks for every class', async () => {
    const retry = { ...AT_ONCE, retry_on: Object.keys(ERROR_CLASSES) };
    const id = await submit(client, 'test.corrupt', { max_attempts: 5, retry });
    expect(await ended(client, id)).toMatchObject({ status: 'failed', attempts: [{ outcome: 'failed' }] });
    expect((await client.get(`/api/v1/dead-letters/${id}`)).body.data).toMatchObject({
      ...{ class: 'corrupt', because: 'class', attempts: 1 },
    });
  });

  test('says of a job that waits for a retry what failed', async () => {
    const retry = { policy: 'fixed', delay_seconds: 600, jitter: 'none' };
    const id = await submit(client, 'test.abort', { max_attempts: 2, retry });
    await until('it waits', async () => (await show(client, id)).detail === 'waiting for retry');
    expect(await show(client, id)).toMatchObject({ status: 'pending', error: { code: 'ATTEMPT_CRASHED' } });
  });
});

test('a job whose worker is killed each time ends as a dead letter, after as many workers as it survives', async () => {
  const workerSettings = { GUESTKIT_SLOTS: '1', GUESTKIT_MAX_LOST_ATTEMPTS: '1' };
  await using cluster = await startCluster({ workers: 1, workerSettings, misbehaving: true });
  const [api] = cluster.apis;
  if (api === undefined) throw new Error('unreachable');
  const { job_id } = await api.call<{ job_id: string }>('POST', '/api/v1/jobs', {
    ...{ operation: 'test.linger', payload: { data: {} } },
  });
  for (const attempt of [1, 2]) {
    await until(
      `attempt ${attempt} to run`,
      async () => {
        const job = await api.call<Job & { attempt: number }>('GET', `/api/v1/jobs/${job_id}`);
        return job.attempt === attempt && job.status === 'running';
      },
      { timeoutMs: 60_000, everyMs: 100 },
    );
    await cluster.workers.at(-1)?.kill();
    await cluster.addWorker();
  }
  const letters = `/api/v1/dead-letters/${job_id}`;
  const isDead = async () => (await api.call('GET', letters).catch(() => undefined)) !== undefined;
  await until('the job to be dead', isDead, { timeoutMs: 60_000, everyMs: 100 });
  expect(await api.call('GET', letters)).toMatchObject({
    ...{ class: 'worker-lost', because: 'attempts', error: { code: 'WORKER_LOST' } },
    history: [{ outcome: 'lost' }, { outcome: 'lost' }, { outcome: 'failed' }],
  });
}, 240_000);

async function submit(client: TestClient, operation: string, execution: object): Promise<string> {
  const { body } = await client.submit({ operation, execution });
  return body.data.job_id;
}

async function show(client: TestClient, id: string): Promise<Job> {
  return (await client.get(`/api/v1/jobs/${id}`)).body.data;
}

async function ended(client: TestClient, id: string): Promise<Job> {
  const isOpen = ({ status }: Job) => ['pending', 'assigned', 'running'].includes(status);
  await until(`${id} to end`, async () => !isOpen(await show(client, id)), { timeoutMs: 50_000, everyMs: 50 });
  return show(client, id);
}
