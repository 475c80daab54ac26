import { describe, expect, test } from 'vitest';
import { until } from '../../../../test/support/condition.ts';
import { jobDocument } from '../../../../test/support/job.ts';
import { startRedis } from '../../../../test/support/redis-server.ts';
import { connectRedis } from '../coordination/redis/connection.ts';
import { type BoardQueue, bullmqBoardQueues } from './bullmq-board.ts';
import { createBullmqQueue } from './bullmq-queue.ts';

describe('bullmqBoardQueues', () => {
  test('tells of the queues of all tenants and pools, also of those that appear later', async () => {
    await using redis = await startRedis();
    await using connection = await connectRedis(redis.url, { role: 'client' });
    await using queue = createBullmqQueue({ connection, prefix: 'board' });
    const enqueue = (tenant: string, pool: string) =>
      queue.enqueue({ tenant, pool, document: jobDocument(), acceptedAtMs: 0 });
    let shown: readonly BoardQueue[] = [];
    await enqueue('acme', 'default');
    await using _board = bullmqBoardQueues({
      ...{ connection, prefix: 'board', intervalMs: 20 },
      onQueues: (queues) => {
        shown = queues;
      },
      onError: (error) => expect.fail(error.message),
    });
    await until('the first is shown', () => shown.length === 1);
    await enqueue('acme', 'gpu');
    await enqueue('other', 'default');
    await until('all are shown', () => shown.length === 3);
    expect(shown.map(({ name }) => name)).toEqual([
      { tenant: 'acme', pool: 'default' },
      { tenant: 'acme', pool: 'gpu' },
      { tenant: 'other', pool: 'default' },
    ]);
    const jobs = await shown[0]?.queue.getJobs(['prioritized']);
    expect(jobs?.map(({ name, id }) => ({ name, id }))).toEqual([{ name: 'system.echo', id: 'job-test-0001' }]);
  });
});
