import { describe, expect, test } from 'vitest';
import { until } from '../../../../test/support/condition.ts';
import { jobDocument } from '../../../../test/support/job.ts';
import { createMemoryQueue } from './memory-queue.ts';
import { takeOut } from './take-out.ts';

const NAME = { tenant: 'acme', pool: 'default' };
const ID = 'job-test-0001';
const JOB = { ...NAME, document: jobDocument({ job_id: ID }), acceptedAtMs: 0 };

describe('takeOut', () => {
  test('takes out a job that waits', async () => {
    await using queue = createMemoryQueue();
    await queue.enqueue(JOB);
    expect(await takeOut(queue, NAME, ID)).toBe(true);
    expect(await queue.remove(NAME, ID)).toBe('absent');
  });

  test('gives no worker a job that the queue does not have', async () => {
    await using queue = createMemoryQueue();
    const added: string[] = [];
    queue.enqueue = async () => void added.push(ID);
    expect(await takeOut(queue, NAME, ID)).toBe(true);
    expect(added).toEqual([]);
  });

  test('takes out a job that comes between its two looks', async () => {
    await using queue = createMemoryQueue();
    const { presence } = Object.getPrototypeOf(queue);
    queue.presence = async (...asked) => {
      await queue.enqueue(JOB);
      return presence.call(queue, ...asked);
    };
    expect(await takeOut(queue, NAME, ID)).toBe(true);
    expect(await queue.remove(NAME, ID)).toBe('absent');
  });

  test('leaves a job that a worker has, and one that it has ended', async () => {
    await using queue = createMemoryQueue();
    await queue.enqueue(JOB);
    const { promise, resolve } = Promise.withResolvers<void>();
    const handle = async () => {
      await promise;
      return { kind: 'completed' } as const;
    };
    await using consumer = await queue.consume({ ...NAME, slots: 1, handle });
    await until('it has begun', () => consumer.active === 1);
    expect(await takeOut(queue, NAME, ID)).toBe(false);
    resolve();
    await consumer.idle();
    expect(await takeOut(queue, NAME, ID)).toBe(false);
  });
});
