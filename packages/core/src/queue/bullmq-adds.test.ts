import { Queue } from 'bullmq';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startRedis } from '../../../../test/support/redis-server.ts';
import { connectRedis } from '../coordination/redis/connection.ts';
import { BullmqAdds } from './bullmq-adds.ts';
import type { BullmqJob, BullmqJobData } from './bullmq-layout.ts';

describe('BullmqAdds', () => {
  test('adds what comes in one turn in its order, in few writes', async () => {
    const { adds, queue, writes } = await open();
    const ids = Array.from({ length: 101 }, (_, n) => `job-test-${n}`);
    await Promise.all(ids.map((id) => adds.add(job(id))));
    expect(await queue.getRanges(['prioritized'], 0, -1, true)).toEqual(ids);
    expect(writes()).toBeLessThan(20);
  });

  test('refuses alone what BullMQ refuses', async () => {
    const { adds, queue } = await open();
    const good = ['job-test-0001', 'job-test-0002'].map((id) => adds.add(job(id)));
    const bad = adds.add(job('job-test-0003', { priority: 2 ** 22 }));
    await expect(bad).rejects.toThrow(/Priority/);
    await Promise.all(good);
    expect(await queue.getPrioritizedCount()).toBe(2);
  });
});

async function open() {
  const redis = await startRedis();
  const connection = await connectRedis(redis.url, { role: 'client' });
  const queue = new Queue<BullmqJobData>('default', { connection: connection.client, skipVersionCheck: true });
  onTestFinished(async () => {
    await queue.close();
    await connection[Symbol.asyncDispose]();
    await redis[Symbol.asyncDispose]();
  });
  await queue.waitUntilReady();
  let writes = 0;
  const { stream } = connection.client as unknown as { readonly stream: NodeJS.WritableStream };
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  stream.write = (...args: unknown[]) => {
    writes += 1;
    return write(...args);
  };
  return { adds: new BullmqAdds(queue), queue, writes: () => writes };
}

function job(jobId: string, options: BullmqJob['options'] = {}): BullmqJob {
  return { name: 'system.echo', data: {} as BullmqJobData, options: { jobId, priority: 6, ...options } };
}
