import { describe, expect, test } from 'vitest';
import { until } from '../../../../test/support/condition.ts';
import { jobDocument } from '../../../../test/support/job.ts';
import { jobError } from '../job/error-code.ts';
import type { JobQueue } from '../queue/job-queue.ts';
import { createMemoryQueue } from '../queue/memory-queue.ts';
import type { Acceptance, AcceptedJob, JobHistory } from './job-history.ts';
import { openSqliteHistory } from './sqlite/open.ts';
import { submitJob, submitJobs } from './submit.ts';

const NAME = { tenant: 'acme', pool: 'default' };

describe('submitJob', () => {
  test('makes a job durable, enqueues it, and notes that', async () => {
    await using history = await open();
    await using queue = createMemoryQueue();
    expect(await submitJob({ history, queue }, job())).toMatchObject({ outcome: 'created', isEnqueued: true });
    expect(await history.find('acme', 'job-test-0001')).toMatchObject({ status: 'pending' });
    expect(await queue.depth(NAME)).toMatchObject({ waiting: 1 });
    await until('it is noted', async () => (await history.notEnqueued(Date.now(), 10)).length === 0);
  });

  test('does not enqueue a job that is not durable', async () => {
    const history = await open();
    await using queue = createMemoryQueue();
    await history[Symbol.asyncDispose]();
    await expect(submitJob({ history, queue }, job())).rejects.toThrow();
    expect(await queue.names()).toEqual([]);
  });

  test('accepts a job that the queue does not take, and says so', async () => {
    await using history = await open();
    const errors: Error[] = [];
    const parts = { history, queue: failing(), onNotEnqueued: (error: Error) => errors.push(error) };
    expect(await submitJob(parts, job())).toMatchObject({ outcome: 'created', isEnqueued: false });
    expect(errors.map(({ message }) => message)).toEqual(['Redis is away']);
    expect(await history.notEnqueued(Date.now(), 10)).toHaveLength(1);
  });

  test('does not wait for ever for a queue that does not answer', async () => {
    await using history = await open();
    const queue = { ...failing(), enqueue: () => new Promise<void>(() => {}) };
    expect(await submitJob({ history, queue, enqueueTimeoutMs: 20 }, job())).toMatchObject({ isEnqueued: false });
  });

  test('takes a job out again that ended while the queue was slow to take it', async () => {
    await using history = await open();
    await using queue = createMemoryQueue();
    const { promise: isAnswering, resolve } = Promise.withResolvers<void>();
    const slow = {
      ...failing(),
      enqueue: (added: AcceptedJob) => isAnswering.then(() => queue.enqueue(added)),
      remove: (...asked: Parameters<JobQueue['remove']>) => queue.remove(...asked),
    };
    await submitJob({ history, queue: slow, enqueueTimeoutMs: 200 }, job());
    await history.endUnheld('acme', 'job-test-0001', jobError('CANCELLED', 'not needed'));
    resolve();
    await until('the queue has had it', async () => (await queue.names()).length > 0);
    await until('it is out again', async () => (await queue.depth(NAME)).waiting === 0);
  });

  test.each([
    ['duplicate', {}],
    ['conflict', { operation: 'test.echo' }],
  ])('does not enqueue a %s', async (outcome, given) => {
    await using history = await open();
    await using queue = createMemoryQueue();
    await history.accept(job());
    expect(await submitJob({ history, queue }, job(given))).toMatchObject({ outcome, isEnqueued: false });
    expect(await queue.names()).toEqual([]);
  });
});

describe('submitJobs', () => {
  const three = ['job-batch-01', 'job-batch-02', 'job-batch-03'].map((job_id) => job({ job_id }));

  test('makes jobs durable, enqueues them, and notes that', async () => {
    await using history = await open();
    await using queue = createMemoryQueue();
    const outcomes = await submitJobs({ history, queue }, three);
    expect(outcomes.map(outcomeOf)).toEqual(['created', 'created', 'created']);
    expect(await queue.depth(NAME)).toMatchObject({ waiting: 3 });
    await until('it is noted', async () => (await history.notEnqueued(Date.now(), 10)).length === 0);
  });

  test('enqueues only what is new, one of two that are alike included', async () => {
    await using history = await open();
    await using queue = createMemoryQueue();
    await history.accept(job());
    const [first] = three;
    const jobs = [job(), ...three, first ?? job(), job({ operation: 'test.echo' })];
    const outcomes = await submitJobs({ history, queue }, jobs);
    expect(outcomes.map(outcomeOf)).toEqual(['duplicate', 'created', 'created', 'created', 'duplicate', 'conflict']);
    expect(await queue.depth(NAME)).toMatchObject({ waiting: 3 });
  });

  test('says once that the queue does not take them, and leaves them to the outbox', async () => {
    await using history = await open();
    const errors: Error[] = [];
    const parts = { history, queue: failing(), onNotEnqueued: (error: Error) => errors.push(error) };
    expect((await submitJobs(parts, three)).map(outcomeOf)).toEqual(['created', 'created', 'created']);
    expect(errors.map(({ message }) => message)).toEqual(['Redis is away']);
    expect(await history.notEnqueued(Date.now(), 10)).toHaveLength(3);
  });

  test('tells of each job that could not be made durable', async () => {
    const history = await open();
    await using queue = createMemoryQueue();
    await history[Symbol.asyncDispose]();
    const outcomes = await submitJobs({ history, queue }, three);
    expect(outcomes.map(outcomeOf)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(await queue.names()).toEqual([]);
  });
});

function outcomeOf(settled: PromiseSettledResult<Acceptance>): string {
  return settled.status === 'fulfilled' ? settled.value.outcome : settled.status;
}

function open(): Promise<JobHistory> {
  return openSqliteHistory({ file: ':memory:' });
}

function job(given: Readonly<Record<string, unknown>> = {}): AcceptedJob {
  return { ...NAME, document: jobDocument(given), acceptedAtMs: 0 };
}

/** A queue whose Redis is away. */
function failing(): JobQueue {
  const fail = async () => {
    throw new Error('Redis is away');
  };
  const close = async () => {};
  const reads = {
    depth: fail,
    isHeld: fail,
    stuckParents: fail,
    names: fail,
    presence: fail,
    waitingIds: fail,
    activeIds: fail,
    find: fail,
  };
  const writes = { enqueue: fail, enqueueAll: fail, remove: fail, forget: fail };
  return { ...reads, ...writes, consume: fail, [Symbol.asyncDispose]: close };
}
