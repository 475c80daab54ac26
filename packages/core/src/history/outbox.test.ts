import { describe, expect, test } from 'vitest';
import { until } from '../../../../test/support/condition.ts';
import { jobDocument } from '../../../../test/support/job.ts';
import { attemptEvents } from '../../../../test/support/job-events.ts';
import { startRedis } from '../../../../test/support/redis-server.ts';
import { connectRedis } from '../coordination/redis/connection.ts';
import { jobError } from '../job/error-code.ts';
import { createBullmqQueue } from '../queue/bullmq-queue.ts';
import { createMemoryQueue } from '../queue/memory-queue.ts';
import type { AcceptedJob, JobHistory } from './job-history.ts';
import { startOutbox } from './outbox.ts';
import { openSqliteHistory } from './sqlite/open.ts';
import { submitJob } from './submit.ts';

const NAME = { tenant: 'acme', pool: 'default' };
const SOON = { intervalMs: 20, minimumAgeMs: 0 };

describe('startOutbox', () => {
  test('enqueues a job whose node died right after it was accepted, and marks it', async () => {
    await using history = await openSqliteHistory({ file: ':memory:' });
    await using queue = createMemoryQueue();
    await history.accept(job('job-left-001'));
    const carried: string[] = [];
    const onCarried = (jobs: readonly AcceptedJob[]) => carried.push(...jobs.map(({ document }) => document.job_id));
    await using _outbox = startOutbox({ history, queue, ...parts(), ...SOON, onCarried, onError: fail });
    await until('it is carried', () => carried.length === 1);
    expect(await queue.depth(NAME)).toMatchObject({ waiting: 1 });
    expect(await history.notEnqueued(Date.now(), 10)).toEqual([]);
  });

  test('carries more than one batch without pausing', async () => {
    await using history = await openSqliteHistory({ file: ':memory:' });
    await using queue = createMemoryQueue();
    const ids = Array.from({ length: 25 }, (_, index) => `job-left-${index}`);
    await Promise.all(ids.map((id) => history.accept(job(id))));
    await using _outbox = startOutbox({
      history,
      queue,
      ...parts(),
      ...SOON,
      intervalMs: 60_000,
      batchSize: 10,
      onError: fail,
    });
    await until('all are carried', async () => (await queue.depth(NAME)).waiting === ids.length);
  });

  test('does not bring back what the queue has had, run and forgotten, though history hears of that later', async () => {
    await using history = await openSqliteHistory({ file: ':memory:' });
    await using queue = createMemoryQueue();
    await history.accept(job('job-over-001'));
    await history.accept(job('job-left-001'));
    let looks = 0;
    // the end is in the stream
    const isRecorded = async () => {
      looks += 1;
      if (looks === 3) await history.record([attemptEvents({ job_id: 'job-over-001' }).finished()]);
      return looks >= 3;
    };
    const stream = { mark: async () => 'newest', isRecorded };
    await using _outbox = startOutbox({ history, queue, ...parts(), stream, ...SOON, onError: fail });
    await until('the outbox is empty', async () => (await history.countNotEnqueued(1)) === 0);
    expect(await queue.waitingIds(NAME, { from: 0, limit: 10 })).toEqual(['job-left-001']);
  });

  test('only notes what the queue has', async () => {
    await using history = await openSqliteHistory({ file: ':memory:' });
    await using queue = createMemoryQueue();
    await history.accept(job('job-there-001'));
    await queue.enqueue(job('job-there-001'));
    const carried: string[] = [];
    const onCarried = (jobs: readonly AcceptedJob[]) => carried.push(...jobs.map(({ document }) => document.job_id));
    await using _outbox = startOutbox({ history, queue, ...parts(), ...SOON, onCarried, onError: fail });
    await until('the outbox is empty', async () => (await history.countNotEnqueued(1)) === 0);
    expect(carried).toEqual([]);
  });

  test('leaves young jobs to the request that brought them, and started ones to their worker', async () => {
    await using history = await openSqliteHistory({ file: ':memory:' });
    await using queue = createMemoryQueue();
    await history.accept({ ...job('job-young-01'), acceptedAtMs: Date.now() });
    await history.accept(job('job-started1'));
    await history.accept(job('job-left-001'));
    await history.record([attemptEvents({ job_id: 'job-started1' }).assigned()]);
    await using _outbox = startOutbox({ history, queue, ...parts(), ...SOON, minimumAgeMs: 60_000, onError: fail });
    const left = async () => (await history.notEnqueued(Date.now() + 1, 10)).map(({ document }) => document.job_id);
    await until('the old one is carried and marked', async () => !(await left()).includes('job-left-001'));
    expect((await queue.depth(NAME)).waiting).toBe(1);
    expect(await left()).toEqual(['job-young-01']);
  });

  test('takes a job out again that ended while it was on its way', async () => {
    await using history = await openSqliteHistory({ file: ':memory:' });
    await using queue = createMemoryQueue();
    await history.accept(job('job-ended-001'));
    await using _outbox = startOutbox({
      history: endingOnTheWay(history),
      queue,
      ...parts(),
      ...SOON,
      onError: fail,
    });
    await until('the outbox is empty', async () => (await history.countNotEnqueued(1)) === 0);
    await until('the queue is empty', async () => (await queue.depth(NAME)).waiting === 0);
    expect(await queue.names()).toEqual([NAME]);
  });

  test('stops a job that a worker began although it had ended on its way', async () => {
    await using history = await openSqliteHistory({ file: ':memory:' });
    await using queue = createMemoryQueue();
    await history.accept(job('job-ended-001'));
    const { promise, resolve } = Promise.withResolvers<void>();
    const handle = async () => {
      await promise;
      return { kind: 'completed' } as const;
    };
    await using consumer = await queue.consume({ ...NAME, slots: 1, handle });
    const { closed, told, ...others } = parts();
    await using _outbox = startOutbox({ history: endingOnTheWay(history), queue, ...others, ...SOON, onError: fail });
    await until('the worker is told', () => told.length > 0);
    expect([told, closed]).toEqual([['job-ended-001'], ['job-ended-001']]);
    resolve();
    await consumer.idle();
  });

  test('brings jobs accepted during an outage of Redis to a worker when it is over', async () => {
    await using redis = await startRedis();
    await using connection = await connectRedis(redis.url, { role: 'client' });
    await using history = await openSqliteHistory({ file: ':memory:' });
    await using queue = createBullmqQueue({ connection, prefix: 'outbox' });
    const delivered: string[] = [];
    await queue.consume({
      ...{ ...NAME, slots: 1 },
      handle: async (delivery) => {
        delivered.push(delivery.job.document.job_id);
        return { kind: 'completed' };
      },
    });
    await redis.kill();
    await until('the outage is noticed', () => !connection.isReady);
    const errors: Error[] = [];
    await using _outbox = startOutbox({
      history,
      queue,
      ...parts(),
      ...SOON,
      onError: (error) => errors.push(error),
    });
    const submission = await submitJob({ history, queue }, job('job-outage-1'));
    expect(submission).toMatchObject({ outcome: 'created', isEnqueued: false });
    await until('the outbox has tried', () => errors.length > 0);
    await redis.restart();
    await until('it is delivered', () => delivered.length === 1);
  });
});

/** A history whose jobs end right after they were found to be missing in the queue. */
function endingOnTheWay(history: JobHistory): JobHistory {
  let looks = 0;
  return new Proxy(history, {
    get(target, name) {
      if (name === 'notEnqueued') {
        return async (...asked: Parameters<JobHistory['notEnqueued']>) => {
          const jobs = await target.notEnqueued(...asked);
          looks += 1;
          // the outbox looks twice before it adds
          for (const { tenant, document } of looks === 2 ? jobs : [])
            await target.endUnheld(tenant, document.job_id, jobError('CANCELLED', 'not needed'));
          return jobs;
        };
      }
      const member = Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

function parts() {
  const closed: string[] = [];
  const told: string[] = [];
  return {
    ...{ closed, told },
    stream: { mark: async () => '', isRecorded: async () => true },
    fence: { close: async (_tenant: string, jobId: string) => void closed.push(jobId) },
    cancels: {
      tell: async (intents: readonly { readonly jobId: string }[]) =>
        void told.push(...intents.map(({ jobId }) => jobId)),
    },
  };
}

function job(job_id: string): AcceptedJob {
  return { ...NAME, document: jobDocument({ job_id }), acceptedAtMs: 0 };
}

function fail(error: Error): void {
  expect.fail(error.message);
}
