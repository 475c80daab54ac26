import { describe, expect, test } from 'vitest';
import { until } from '../../../../../test/support/condition.ts';
import { jobDocument } from '../../../../../test/support/job.ts';
import { attemptEvents } from '../../../../../test/support/job-events.ts';
import { startRedis } from '../../../../../test/support/redis-server.ts';
import { RedisCancelIntents } from '../../coordination/redis/cancel-intents.ts';
import { connectRedis } from '../../coordination/redis/connection.ts';
import { RedisEventStream } from '../../coordination/redis/event-stream.ts';
import { RedisFence } from '../../coordination/redis/fence.ts';
import { RedisQueueEpochKey } from '../../coordination/redis/queue-epoch-key.ts';
import { jobError } from '../../job/error-code.ts';
import { createBullmqQueue } from '../../queue/bullmq-queue.ts';
import type { Delivery, Outcome } from '../../queue/job-queue.ts';
import type { AcceptedJob } from '../job-history.ts';
import { startRecorder } from '../recorder.ts';
import { openSqliteHistory } from '../sqlite/open.ts';
import { createReconciler } from './reconciler.ts';

const NAME = { tenant: 'acme', pool: 'default' };

describe('repair', () => {
  test('finds nothing where history and the queue agree', async () => {
    await using place = await open();
    await place.submit('job-runs-0001');
    await place.run('job-runs-0001', [place.events('job-runs-0001').assigned()]);
    await place.submit('job-waits-001');
    expect(await place.reconciler.repair()).toEqual([]);
  });

  test('enqueues a job that was accepted, but never brought to the queue', async () => {
    await using place = await open();
    await place.history.accept(job('job-left-0001'));
    expect(await place.reconciler.repair()).toEqual([found('not-enqueued', 'job-left-0001')]);
    expect(await place.stateOf('job-left-0001')).toBe('waiting');
    expect(await place.history.notEnqueued(Date.now(), 10)).toEqual([]);
  });

  test('leaves a job that was just accepted to the request that brought it', async () => {
    await using place = await open();
    await place.history.accept({ ...job('job-young-001'), acceptedAtMs: Date.now() });
    expect(await place.reconciler.repair()).toEqual([]);
  });

  test('enqueues a job that the queue has lost, and counts on from its attempts', async () => {
    await using place = await open();
    await place.submit('job-gone-0001');
    const events = place.events('job-gone-0001');
    await place.history.record([events.assigned(), events.running(), events.released('retry')]);
    await place.queue.remove(NAME, 'job-gone-0001');
    expect(await place.reconciler.repair()).toEqual([found('unknown-to-queue', 'job-gone-0001')]);
    const delivery = await place.takeOne();
    expect(delivery).toMatchObject({ attempt: 2, failedAttempts: 1, lostAttempts: 0 });
  });

  test('enqueues a job of which the queue keeps only the name', async () => {
    await using place = await open();
    await place.submit('job-stray-001');
    await place.redis.del('reconcile:{acme}:default:prioritized');
    expect(await place.reconciler.repair()).toEqual([found('unknown-to-queue', 'job-stray-001')]);
    expect((await place.takeOne()).job.document.job_id).toBe('job-stray-001');
  });

  test('records the end of a job of which only the queue knows, from its summary', async () => {
    await using place = await open();
    await place.submit('job-ended-001');
    const events = place.events('job-ended-001');
    await place.history.record([events.assigned(), events.running()]);
    await place.run('job-ended-001', [], { kind: 'completed', summary: { event: events.finished() } });
    expect(await place.reconciler.repair()).toEqual([found('ended-in-queue', 'job-ended-001')]);
    expect(await place.history.find('acme', 'job-ended-001')).toMatchObject({ status: 'completed', attempt: 1 });
    expect(await place.reconciler.repair()).toEqual([]);
  });

  test('runs a job again whose end only the queue knows, but not whole', async () => {
    await using place = await open();
    await place.submit('job-ended-001');
    const events = place.events('job-ended-001');
    await place.history.record([events.assigned(), events.running()]);
    await place.run('job-ended-001', [], { kind: 'completed', summary: { status: 'completed' } });
    expect(await place.reconciler.repair()).toEqual([found('ended-in-queue', 'job-ended-001')]);
    expect(await place.takeOne()).toMatchObject({ attempt: 2, lostAttempts: 1 });
  });

  test('waits for the recorder before it calls anything a disagreement', async () => {
    await using place = await open();
    await place.submit('job-ended-001');
    const events = place.events('job-ended-001');
    await place.stream.publish([events.assigned(), events.running(), events.finished()]);
    await place.run('job-ended-001', []);
    const repairing = place.reconciler.repair();
    place.startRecorder();
    expect(await repairing).toEqual([]);
    expect(await place.history.find('acme', 'job-ended-001')).toMatchObject({ status: 'completed' });
  });

  test('tells history of an attempt whose worker vanished, while the queue waits for another one', async () => {
    await using place = await open();
    await place.submit('job-lost-0001');
    const events = place.events('job-lost-0001');
    await place.history.record([events.assigned(), events.running()]);
    expect(await place.reconciler.repair()).toEqual([found('attempt-lost', 'job-lost-0001')]);
    expect(await place.history.find('acme', 'job-lost-0001')).toMatchObject({
      status: 'pending',
      detail: 'taken back from a worker that vanished',
    });
    expect(await place.history.attempts('acme', 'job-lost-0001')).toMatchObject([{ outcome: 'lost' }]);
  });

  test('takes a job out of the queue that has ended in history', async () => {
    await using place = await open();
    await place.submit('job-ended-001');
    await place.history.endUnheld('acme', 'job-ended-001', jobError('CANCELLED', 'changed my mind'));
    expect(await place.reconciler.repair()).toEqual([found('ended-in-history', 'job-ended-001')]);
    expect(await place.stateOf('job-ended-001')).toBe('absent');
  });

  test('stops an attempt of a job that ended in history a while ago, and lets it publish nothing', async () => {
    await using place = await open();
    await using watch = await place.cancels.watch((error) => expect.fail(error.message));
    await place.submit('job-ended-001');
    const claim = { tenant: 'acme', jobId: 'job-ended-001', attempt: 1, token: 'a' };
    await place.fence.raise(claim, 60_000);
    const events = place.events('job-ended-001');
    await place.run('job-ended-001', [events.assigned(), events.finished()]);
    expect(await place.reconciler.repair()).toEqual([found('active-after-end', 'job-ended-001')]);
    await until('the workers hear', () => watch.reasonFor('acme', 'job-ended-001') !== undefined);
    expect(await place.fence.raise({ ...claim, attempt: 2 }, 60_000)).toBe('closed');
  });

  test('leaves a worker the time to tell the queue of an end', async () => {
    await using place = await open();
    await place.submit('job-ended-001');
    await place.run('job-ended-001', [place.events('job-ended-001').assigned()]);
    await place.history.endUnheld('acme', 'job-ended-001', jobError('CANCELLED', 'changed my mind'));
    expect(await place.reconciler.repair()).toEqual([]);
  });

  test('adopts a job of the queue that history does not know', async () => {
    await using place = await open();
    await place.queue.enqueue(job('job-orphan-01'));
    expect(await place.reconciler.repair()).toEqual([found('unknown-to-history', 'job-orphan-01')]);
    expect(await place.history.find('acme', 'job-orphan-01')).toMatchObject({ status: 'pending' });
    expect(await place.stateOf('job-orphan-01')).toBe('waiting');
    expect(await place.reconciler.repair()).toEqual([]);
  });

  test('goes through more than one page of jobs', async () => {
    await using place = await open();
    const ids = Array.from({ length: 1_203 }, (_, n) => `job-number-${n}`);
    await Promise.all(ids.map((id) => place.history.accept(job(id))));
    const bounds = { limit: 10_000, withinMs: 60_000 };
    const { disagreements, isComplete } = await place.reconciler.examine(bounds);
    expect([disagreements.length, isComplete]).toEqual([ids.length, true]);
    expect(await place.reconciler.examine({ ...bounds, limit: 500 })).toMatchObject({ isComplete: false });
    expect(await place.queue.depth(NAME)).toMatchObject({ waiting: 0 });
    expect(await place.reconciler.repair()).toHaveLength(ids.length);
    expect(await place.queue.depth(NAME)).toMatchObject({ waiting: ids.length });
    expect(await place.queue.waitingIds(NAME, { from: 0, limit: 2_000 })).toEqual(ids);
  });
});

describe('the duties of the reconciler', () => {
  test('rebuild a flushed queue, with ids and order, and leave out what has ended', async () => {
    await using place = await open();
    const ids = Array.from({ length: 1_203 }, (_, n) => `job-number-${n}`);
    await Promise.all(ids.map((id) => place.submit(id)));
    await place.history.endUnheld('acme', 'job-number-7', jobError('CANCELLED', 'changed my mind'));
    await using _duties = place.doDuties();
    await until('the first epoch has begun', () => place.rebuilds.length === 1);
    await place.redis.flushall();
    await until('the queue was rebuilt', () => place.rebuilds.length === 2);
    const live = ids.filter((id) => id !== 'job-number-7');
    expect(await place.queue.waitingIds(NAME, { from: 0, limit: 2_000 })).toEqual(live);
    expect(await place.queue.names()).toEqual([NAME]);
  });

  test('rebuild a queue that was rolled back: what it forgot, and what it forgot the end of', async () => {
    await using place = await open();
    await using duties = place.doDuties();
    await until('the first epoch has begun', () => place.rebuilds.length === 1);
    await place.submit('job-ended-001');
    const old = await place.redis.hgetall('reconcile:epoch');
    await until('the epoch has counted on', async () => {
      const { count = 0 } = (await place.history.queueEpoch()) ?? {};
      return count > 4;
    });
    const events = place.events('job-ended-001');
    await place.history.record([events.assigned(), events.running(), events.finished()]);
    await place.submit('job-newer-001');
    await place.redis
      .multi()
      .del('reconcile:{acme}:default:job-newer-001')
      .zrem('reconcile:{acme}:default:prioritized', 'job-newer-001')
      .hset('reconcile:epoch', old)
      .exec();
    await until('the queue was rebuilt', () => place.rebuilds.length === 2);
    await duties[Symbol.asyncDispose]();
    expect(await place.stateOf('job-newer-001')).toBe('waiting');
    expect(await place.stateOf('job-ended-001')).toBe('absent');
  });

  test('keep an attempt that a queue handed out after a rollback from publishing for a job that has ended', async () => {
    await using place = await open();
    await using _duties = place.doDuties();
    await until('the first epoch has begun', () => place.rebuilds.length === 1);
    await place.submit('job-ended-001');
    const old = await place.redis.hgetall('reconcile:epoch');
    await until('the epoch has counted on', async () => ((await place.history.queueEpoch())?.count ?? 0) > 4);
    const events = place.events('job-ended-001');
    const finished = events.finished({ outputs: { primary: 'report.json' } });
    await place.history.record([events.assigned(), events.running(), finished]);
    // an earlier run of Redis is one that nobody has confirmed
    await place.redis.hset('reconcile:epoch', { ...old, confirmed: 'earlier' });
    const again = { tenant: 'acme', jobId: 'job-ended-001', attempt: 2, token: 'b' };
    await place.fence.raise(again, 60_000).catch(() => {});
    const answers: (boolean | undefined)[] = [];
    await until('the fence to answer', async () => {
      answers.push(await place.fence.holds(again).catch(() => undefined));
      return answers.at(-1) !== undefined;
    });
    expect(answers.at(-1)).toBe(false);
    expect(await place.fence.raise({ ...again, attempt: 3 }, 60_000)).toBe('closed');
  });

  test('count on from attempts of which history has not been told when they rebuild', async () => {
    await using place = await open();
    await using _duties = place.doDuties();
    await until('the first epoch has begun', () => place.rebuilds.length === 1);
    await place.submit('job-retry-001');
    const first = place.events('job-retry-001');
    await place.history.record([first.assigned(), first.running(), first.released('retry')]);
    const second = attemptEvents({ job_id: 'job-retry-001', attempt: 2 });
    await place.stream.publish([second.assigned(), second.running(), second.released('retry')]);
    await place.redis.del('reconcile:epoch');
    await until('the job was taken out', async () => (await place.stateOf('job-retry-001')) === 'absent');
    place.startRecorder();
    await until('the queue was rebuilt', () => place.rebuilds.length === 2);
    expect(await place.takeOne()).toMatchObject({ attempt: 3, failedAttempts: 2 });
  });

  test('rebuild nothing when Redis was killed and has come back with all it had', async () => {
    await using place = await open();
    await using _duties = place.doDuties();
    await until('the first epoch has begun', () => place.rebuilds.length === 1);
    await place.submit('job-waits-001');
    await place.server.kill();
    await place.server.restart();
    const { count = 0 } = (await place.history.queueEpoch()) ?? {};
    await until('the epoch has counted on', async () => ((await place.history.queueEpoch())?.count ?? 0) > count + 1);
    expect(place.rebuilds).toHaveLength(1);
    expect(await place.stateOf('job-waits-001')).toBe('waiting');
  });
});

async function open() {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startRedis());
  const connection = stack.use(await connectRedis(server.url, { role: 'client' }));
  const history = stack.use(await openSqliteHistory({ file: ':memory:' }));
  const queue = stack.use(createBullmqQueue({ connection, prefix: 'reconcile' }));
  const stream = stack.use(new RedisEventStream({ connection, prefix: 'reconcile' }));
  const fence = new RedisFence({ connection, prefix: 'reconcile' });
  const cancels = new RedisCancelIntents({ connection, prefix: 'reconcile' });
  const rebuilds: number[] = [];
  const reconciler = createReconciler({
    ...{ history, queue, stream, onError: (error) => expect.fail(error.message) },
    epochKey: new RedisQueueEpochKey({ connection, prefix: 'reconcile' }),
    ...{ fence, cancels },
    onRebuilt: ({ jobs }) => rebuilds.push(jobs),
  });
  const consumeOne = async (handle: (delivery: Delivery) => Promise<Outcome>, isDone: () => Promise<boolean>) => {
    await using _consumer = await queue.consume({ ...NAME, slots: 1, handle });
    await until('the delivery is dealt with', isDone);
  };
  const stateOf = async (id: string) => (await queue.presence(NAME, [id])).get(id)?.state;
  const resources = stack.move();
  return {
    ...{ server, redis: connection.client, history, queue, stream, fence, cancels, reconciler, rebuilds, stateOf },
    events: (job_id: string) => attemptEvents({ job_id }),
    async submit(id: string) {
      await history.accept(job(id));
      await queue.enqueue(job(id));
      await history.markEnqueued('acme', [id]);
    },
    /** Lets a worker take one job; history is told what is given. */
    async run(id: string, events: Parameters<typeof history.record>[0], outcome: Outcome = { kind: 'completed' }) {
      await history.record(events);
      const gate = Promise.withResolvers<void>();
      const isHeld = events.length > 0;
      const consumer = await queue.consume({
        ...{ ...NAME, slots: 1 },
        handle: async () => {
          if (isHeld) await gate.promise;
          return outcome;
        },
      });
      resources.defer(gate.resolve);
      const state = isHeld ? 'active' : outcome.kind;
      await until(`the job is ${state}`, async () => (await stateOf(id)) === state);
      if (!isHeld) await consumer[Symbol.asyncDispose]();
    },
    async takeOne(): Promise<Delivery> {
      const taken: Delivery[] = [];
      const handle = async (delivery: Delivery): Promise<Outcome> => {
        taken.push(delivery);
        return { kind: 'completed' };
      };
      await consumeOne(handle, async () => taken.length > 0);
      return taken[0] ?? expect.fail();
    },
    startRecorder() {
      resources.use(
        startRecorder({ stream, history, consumer: 'one', onError: (error) => expect.fail(error.message) }),
      );
    },
    doDuties(): AsyncDisposable {
      const stopping = new AbortController();
      const loops = reconciler.duties.map(async (duty) => {
        while (!stopping.signal.aborted) {
          // Redis may be away, and a rebuild cut short
          await duty.run(stopping.signal).catch(() => {});
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      });
      return {
        async [Symbol.asyncDispose]() {
          stopping.abort();
          await Promise.all(loops);
        },
      };
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

function job(job_id: string): AcceptedJob {
  return { ...NAME, document: jobDocument({ job_id }), acceptedAtMs: 0 };
}

function found(kind: string, job_id: string) {
  return { kind, ...NAME, job_id };
}
