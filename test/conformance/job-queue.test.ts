import { randomUUID } from 'node:crypto';
import { connectRedis } from '@guestkit/core/coordination/redis/connection';
import { createBullmqQueue } from '@guestkit/core/queue/bullmq-queue';
import type { ConsumeOptions, Consumer, Delivery, JobQueue, Outcome, QueuedJob } from '@guestkit/core/queue/job-queue';
import { createMemoryQueue } from '@guestkit/core/queue/memory-queue';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../support/condition.ts';
import { jobDocument } from '../support/job.ts';
import { startRedis, type TestRedis } from '../support/redis-server.ts';

const FAST = { lockMs: 400, closeTimeoutMs: 300 };
const NAME = { tenant: 'acme', pool: 'default' };

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  await redis[Symbol.asyncDispose]();
});

interface Implementation {
  readonly name: string;
  open(): Promise<JobQueue>;
}

const IMPLEMENTATIONS: readonly Implementation[] = [
  { name: 'the queue in memory', open: async () => createMemoryQueue(FAST) },
  { name: 'the queue on BullMQ', open: openBullmqQueue },
];

async function openBullmqQueue(): Promise<JobQueue> {
  const connection = await connectRedis(redis.url, { role: 'client' });
  const queue = createBullmqQueue({ ...FAST, connection, prefix: `t${randomUUID()}`, stalledCheckMs: 100 });
  const close = queue[Symbol.asyncDispose].bind(queue);
  return Object.assign(queue, {
    async [Symbol.asyncDispose]() {
      await close();
      await connection[Symbol.asyncDispose]();
    },
  });
}

describe.each(IMPLEMENTATIONS)('$name', ({ open }) => {
  test('delivers an enqueued job with its document, tenant, pool and time of acceptance', async () => {
    await using queue = await open();
    await queue.enqueue(job({ job_id: 'job-whole-1', metadata: { labels: { tier: 'web' } } }));
    await using seen = await consumeAll(queue);
    await until('the job is delivered', () => seen.deliveries.length === 1);
    expect(seen.deliveries[0]?.job).toEqual(job({ job_id: 'job-whole-1', metadata: { labels: { tier: 'web' } } }));
    expect(seen.deliveries[0]).toMatchObject({ attempt: 1, failedAttempts: 0, lostAttempts: 0 });
  });

  test('carries, postpones and removes jobs whose id is digits only', async () => {
    await using queue = await open();
    for (const id of ['12345678', '87654321']) await queue.enqueue(job({ job_id: id }));
    expect(await queue.remove(NAME, '87654321')).toBe('removed');
    const outcomes: Outcome[] = [{ kind: 'postponed', delayMs: 0, reason: 'once' }];
    await using seen = await consumeAll(queue, () => outcomes.pop() ?? { kind: 'completed' });
    await until('the job is completed', async () => (await queue.depth(NAME)).completed === 1);
    expect(seen.deliveries.map((delivery) => [delivery.job.document.job_id, delivery.attempt])).toEqual([
      ['12345678', 1],
      ['12345678', 1],
    ]);
  });

  test('delivers a job once, however often it is enqueued', async () => {
    await using queue = await open();
    await Promise.all([1, 2, 3].map(() => queue.enqueue(job({ job_id: 'job-once-1' }))));
    await using seen = await consumeAll(queue);
    await until('the job is completed', async () => (await queue.depth(NAME)).completed === 1);
    await queue.enqueue(job({ job_id: 'job-once-1' }));
    await queue.enqueue(job({ job_id: 'job-once-2' }));
    await until('the next job is completed', async () => (await queue.depth(NAME)).completed === 2);
    expect(seen.deliveries.map((delivery) => delivery.job.document.job_id)).toEqual(['job-once-1', 'job-once-2']);
  });

  test('counts on from the attempts that a job had before it was enqueued again', async () => {
    await using queue = await open();
    await queue.enqueue({ ...job(), attemptsBefore: 5, failedBefore: 2, lostBefore: 1 });
    await using seen = await consumeAll(queue, ({ attempt }) =>
      attempt === 6 ? retryAfter(5) : { kind: 'completed' },
    );
    await until('the job is completed', async () => (await queue.depth(NAME)).completed === 1);
    expect(seen.deliveries.map(counters)).toEqual([
      { attempt: 6, failedAttempts: 2, lostAttempts: 1 },
      { attempt: 7, failedAttempts: 3, lostAttempts: 1 },
    ]);
  });

  test('adds many as if each were added alone, in their order', async () => {
    await using queue = await open();
    const priorities = [5, 1, 10, 5, 10, 1];
    const jobs = priorities.map((priority, index) => job({ job_id: `job-turn-${index}`, execution: { priority } }));
    await queue.enqueue(jobs[3] ?? expect.fail());
    await queue.enqueueAll(jobs);
    await queue.enqueueAll([]);
    await using seen = await consumeAll(queue);
    await until('all are completed', async () => (await queue.depth(NAME)).completed === priorities.length);
    const order = seen.deliveries.map((delivery) => Number(delivery.job.document.job_id.at(-1)));
    expect(order).toEqual([2, 4, 3, 0, 1, 5]);
  });

  test('tells where jobs are, with the summaries of those that are completed', async () => {
    await using queue = await open();
    const names = ['87654321', 'job-runs-001', 'job-ends-001', 'job-fails-01', 'job-later-01'];
    for (const id of names)
      await queue.enqueue(job({ job_id: id, execution: { priority: id === '87654321' ? 1 : 5 } }));
    const gate = Promise.withResolvers<void>();
    const outcomes: Readonly<Record<string, Outcome>> = {
      'job-ends-001': { kind: 'completed', summary: { ended: 'well' } },
      'job-fails-01': { kind: 'failed', retry: false, reason: 'no luck' },
      'job-later-01': { kind: 'postponed', delayMs: 60_000, reason: 'not here' },
    };
    const startedAtMs = Date.now();
    await using _consumer = await queue.consume({
      ...{ ...NAME, slots: 2 },
      async handle({ job: { document } }) {
        const outcome = outcomes[document.job_id];
        if (outcome === undefined) await gate.promise;
        return outcome ?? { kind: 'completed' };
      },
    });
    await until('all but two are through', async () => {
      const { active, delayed, failed, completed } = await queue.depth(NAME);
      return active === 2 && delayed + failed + completed === 3;
    });
    await queue.enqueue(job({ job_id: 'job-waits-01' }));
    const ids = [...names, 'job-waits-01', 'job-unknown1'];
    const presence = await queue.presence(NAME, ids);
    expect(ids.map((id) => presence.get(id)?.state)).toEqual([
      ...['active', 'active', 'completed', 'failed', 'delayed', 'waiting', 'absent'],
    ]);
    const completed = presence.get('job-ends-001');
    expect(completed).toMatchObject({ summary: { ended: 'well' }, finishedAtMs: expect.any(Number) });
    expect((await queue.activeIds(NAME)).toSorted()).toEqual(ids.slice(0, 2).toSorted());
    expect(completed?.state === 'completed' && completed.finishedAtMs >= startedAtMs).toBe(true);
    gate.resolve();
  });

  test('lists who waits, and shows a job as it was added', async () => {
    await using queue = await open();
    const added = ['12345678', 'job-waits-01', 'job-waits-02'].map((id) => job({ job_id: id }));
    await queue.enqueueAll(added);
    const listed = [
      ...(await queue.waitingIds(NAME, { from: 0, limit: 2 })),
      ...(await queue.waitingIds(NAME, { from: 2, limit: 2 })),
    ];
    expect(listed.toSorted()).toEqual(['12345678', 'job-waits-01', 'job-waits-02']);
    expect(await queue.find(NAME, '12345678')).toEqual(added[0]);
    expect(await queue.find(NAME, 'job-unknown1')).toBeUndefined();
  });

  test('is held by nobody, and its consumer can claim', async () => {
    await using queue = await open();
    await using consumer = await queue.consume({ ...NAME, slots: 1, handle: async () => ({ kind: 'completed' }) });
    expect(await queue.isHeld(NAME)).toBe(false);
    await until('it can claim', () => consumer.fault === undefined);
  });

  test('forgets a job that has ended, which then can be added anew, and no other', async () => {
    await using queue = await open();
    await queue.enqueue(job({ job_id: 'job-again-01' }));
    expect(await queue.forget(NAME, 'job-again-01')).toBe(false);
    await using seen = await consumeAll(queue);
    await until('it is completed', async () => (await queue.depth(NAME)).completed === 1);
    expect(await queue.forget(NAME, 'job-again-01')).toBe(true);
    expect(await queue.forget(NAME, 'job-again-01')).toBe(false);
    await queue.enqueue({ ...job({ job_id: 'job-again-01' }), attemptsBefore: 1 });
    await until('it is delivered again', () => seen.deliveries.length === 2);
    expect(seen.deliveries[1]?.attempt).toBe(2);
  });

  test('delivers the more urgent first, and equals in order of arrival', async () => {
    await using queue = await open();
    const priorities = [5, 1, 10, 5, 10, 1];
    for (const [index, priority] of priorities.entries()) {
      await queue.enqueue(job({ job_id: `job-turn-${index}`, execution: { priority } }));
    }
    await using seen = await consumeAll(queue);
    await until('all are completed', async () => (await queue.depth(NAME)).completed === priorities.length);
    const order = seen.deliveries.map((delivery) => Number(delivery.job.document.job_id.at(-1)));
    expect(order).toEqual([2, 4, 0, 3, 1, 5]);
  });

  test('runs as many deliveries at once as there are slots', async () => {
    await using queue = await open();
    const gate = Promise.withResolvers<void>();
    for (let index = 0; index < 5; index += 1) await queue.enqueue(job({ job_id: `job-slot-${index}` }));
    await using consumer = await queue.consume({
      ...NAME,
      slots: 3,
      handle: async () => {
        await gate.promise;
        return { kind: 'completed' };
      },
    });
    await until('three run', () => consumer.active === 3);
    expect(await queue.depth(NAME)).toMatchObject({ active: 3, waiting: 2 });
    gate.resolve();
    await until('all are completed', async () => (await queue.depth(NAME)).completed === 5);
  });

  test('retries a failed attempt as often as its consumer decides, whatever max_attempts says', async () => {
    await using queue = await open();
    await queue.enqueue(job({ execution: { max_attempts: 1 } }));
    await using seen = await consumeAll(queue, ({ attempt }) =>
      attempt < 3 ? retryAfter(5) : { kind: 'failed', retry: false, reason: 'enough' },
    );
    await until('the job has failed for good', async () => (await queue.depth(NAME)).failed === 1);
    expect(seen.deliveries.map(counters)).toEqual([
      { attempt: 1, failedAttempts: 0, lostAttempts: 0 },
      { attempt: 2, failedAttempts: 1, lostAttempts: 0 },
      { attempt: 3, failedAttempts: 2, lostAttempts: 0 },
    ]);
  });

  test('says when it has counted a failure, and that a delivery is held until then', async () => {
    await using queue = await open();
    await queue.enqueue(job());
    const noted: string[] = [];
    await using seen = await consumeAll(queue, ({ attempt, failedAttempts, isHeld }) => {
      noted.push(`attempt ${attempt} after ${failedAttempts}: ${isHeld()}`);
      const onCounted = () => void noted.push(`counted ${attempt}: ${isHeld()}`);
      return attempt < 3 ? { ...retryAfter(50), onCounted } : { kind: 'completed' };
    });
    await until('the job is completed', async () => (await queue.depth(NAME)).completed === 1);
    expect(seen.deliveries).toHaveLength(3);
    expect(noted).toEqual([
      ...['attempt 1 after 0: true', 'counted 1: false', 'attempt 2 after 1: true', 'counted 2: false'],
      'attempt 3 after 2: true',
    ]);
  });

  test('holds a failed job back for the delay that its consumer decides', async () => {
    await using queue = await open();
    await queue.enqueue(job());
    const timesMs: number[] = [];
    await using seen = await consumeAll(queue, ({ attempt }) => {
      timesMs.push(Date.now());
      return attempt === 1 ? retryAfter(300) : retryAfter(60_000);
    });
    await until('the job was retried and waits again', async () => {
      const { delayed } = await queue.depth(NAME);
      return seen.deliveries.length === 2 && delayed === 1;
    });
    const [first = 0, second = 0] = timesMs;
    expect(second - first).toBeGreaterThanOrEqual(299);
  });

  test('retries without a pause when the delay is nought', async () => {
    await using queue = await open();
    await queue.enqueue(job());
    await using seen = await consumeAll(queue, ({ attempt }) =>
      attempt === 1 ? retryAfter(0) : { kind: 'completed' },
    );
    await until('the job is completed', async () => (await queue.depth(NAME)).completed === 1, { timeoutMs: 1_500 });
    expect(seen.deliveries).toHaveLength(2);
  });

  test('retries an attempt whose handler throws', async () => {
    await using queue = await open();
    await queue.enqueue(job({ execution: { max_attempts: 1 } }));
    await using seen = await consumeAll(queue, ({ attempt }) => {
      if (attempt === 1) throw new Error('unforeseen');
      return { kind: 'completed' };
    });
    await until('the job is completed', async () => (await queue.depth(NAME)).completed === 1);
    expect(seen.deliveries).toHaveLength(2);
  });

  test('does not retry a failure that asks for none', async () => {
    await using queue = await open();
    await queue.enqueue(job({ execution: { max_attempts: 3 } }));
    await using seen = await consumeAll(queue, () => ({ kind: 'failed', retry: false, reason: 'hopeless' }));
    await until('the job has failed', async () => (await queue.depth(NAME)).failed === 1);
    expect(seen.deliveries).toHaveLength(1);
  });

  test('does not count a postponed delivery as an attempt', async () => {
    await using queue = await open();
    await queue.enqueue(job());
    let deliveries = 0;
    await using seen = await consumeAll(queue, () => {
      deliveries += 1;
      return deliveries < 4 ? { kind: 'postponed', delayMs: 10, reason: 'not mine' } : { kind: 'completed' };
    });
    await until('the job is completed', async () => (await queue.depth(NAME)).completed === 1);
    expect(seen.deliveries.map(counters)).toEqual(Array(4).fill({ attempt: 1, failedAttempts: 0, lostAttempts: 0 }));
  });

  test('holds a postponed job back for the delay asked for', async () => {
    await using queue = await open();
    await queue.enqueue(job());
    await using seen = await consumeAll(queue, () => ({ kind: 'postponed', delayMs: 60_000, reason: 'later' }));
    await until('the job is delayed', async () => (await queue.depth(NAME)).delayed === 1);
    expect(seen.deliveries).toHaveLength(1);
  });

  test('delivers a released job again at once, as another attempt', async () => {
    await using queue = await open();
    await queue.enqueue(job());
    await using seen = await consumeAll(queue, ({ attempt }) => ({ kind: attempt === 1 ? 'released' : 'completed' }));
    await until('the job is completed', async () => (await queue.depth(NAME)).completed === 1, { timeoutMs: 1_500 });
    expect(seen.deliveries.map(counters)).toEqual([
      { attempt: 1, failedAttempts: 0, lostAttempts: 0 },
      { attempt: 2, failedAttempts: 0, lostAttempts: 0 },
    ]);
  });

  test('puts a released job in front of the jobs of its priority', async () => {
    await using queue = await open();
    for (const index of [0, 1, 2]) await queue.enqueue(job({ job_id: `job-front-${index}` }));
    await using seen = await consumeAll(queue, ({ attempt, job: { document } }) => ({
      kind: attempt === 1 && document.job_id === 'job-front-0' ? 'released' : 'completed',
    }));
    await until('all are completed', async () => (await queue.depth(NAME)).completed === 3);
    const order = seen.deliveries.map((delivery) => delivery.job.document.job_id);
    expect(order).toEqual(['job-front-0', 'job-front-0', 'job-front-1', 'job-front-2']);
  });

  test('wakes an idle consumer for a job that another one releases', async () => {
    await using queue = await open();
    const isReleasing = Promise.withResolvers<void>();
    await using first = await queue.consume({
      ...NAME,
      slots: 1,
      handle: async () => {
        await isReleasing.promise;
        return { kind: 'released' };
      },
    });
    await queue.enqueue(job());
    await until('the first has it', () => first.active === 1);
    await using second = await consumeAll(queue);
    await first.stopClaiming();
    isReleasing.resolve();
    await until('the second has it', () => second.deliveries.length === 1, { timeoutMs: 1_500 });
  });

  test('delivers again, with its signal fired, what a consumer leaves behind', async () => {
    await using queue = await open();
    await queue.enqueue(job());
    const signals: AbortSignal[] = [];
    const consumer = await queue.consume({
      ...NAME,
      slots: 1,
      handle: (_, signal) => {
        signals.push(signal);
        return new Promise<Outcome>(() => {});
      },
    });
    await until('the job is claimed', () => signals.length === 1);
    await consumer[Symbol.asyncDispose]();
    expect(signals[0]?.aborted).toBe(true);
    await using seen = await consumeAll(queue);
    await until('the job is completed', async () => (await queue.depth(NAME)).completed === 1);
    expect(seen.deliveries.map(counters)).toEqual([{ attempt: 2, failedAttempts: 0, lostAttempts: 1 }]);
  });

  test('does not end a job at any number of lost attempts', async () => {
    await using queue = await open();
    await queue.enqueue(job());
    for (const lost of [0, 1, 2, 3]) {
      const claimed = Promise.withResolvers<Delivery>();
      const consumer = await queue.consume({
        ...NAME,
        slots: 1,
        handle: (delivery) => {
          claimed.resolve(delivery);
          return new Promise<Outcome>(() => {});
        },
      });
      expect(counters(await claimed.promise)).toEqual({ attempt: lost + 1, failedAttempts: 0, lostAttempts: lost });
      await consumer[Symbol.asyncDispose]();
    }
  });

  test('lets running deliveries end after claiming stopped, and starts no other', async () => {
    await using queue = await open();
    const gate = Promise.withResolvers<void>();
    await using seen = await consumeAll(queue, async () => {
      await gate.promise;
      return { kind: 'completed' };
    });
    await queue.enqueue(job({ job_id: 'job-drain-1' }));
    await until('the first runs', () => seen.consumer.active === 1);
    await seen.consumer.stopClaiming();
    await queue.enqueue(job({ job_id: 'job-drain-2' }));
    gate.resolve();
    await seen.consumer.idle();
    await until('the first is completed', async () => (await queue.depth(NAME)).completed === 1);
    expect(seen.consumer.active).toBe(0);
    expect(await queue.depth(NAME)).toMatchObject({ waiting: 1, active: 0, completed: 1 });
  });

  test('gives a job that an idle consumer fetched after it stopped to another, as the same attempt', async () => {
    await using queue = await open();
    await using idle = await consumeAll(queue);
    await idle.consumer.stopClaiming();
    await queue.enqueue(job());
    await using seen = await consumeAll(queue);
    await until('the job is completed', async () => (await queue.depth(NAME)).completed === 1);
    expect(idle.deliveries).toEqual([]);
    expect(seen.deliveries.map(counters)).toEqual([{ attempt: 1, failedAttempts: 0, lostAttempts: 0 }]);
  });

  test('idle resolves when nothing runs', async () => {
    await using queue = await open();
    await using seen = await consumeAll(queue);
    await seen.consumer.idle();
    expect(seen.consumer.active).toBe(0);
  });

  test('removes a job that waits, and says of others why not', async () => {
    await using queue = await open();
    const gate = Promise.withResolvers<void>();
    await queue.enqueue(job({ job_id: 'job-remove-1' }));
    expect(await queue.remove(NAME, 'job-remove-1')).toBe('removed');
    expect(await queue.remove(NAME, 'job-remove-1')).toBe('absent');
    await using seen = await consumeAll(queue, async () => {
      await gate.promise;
      return { kind: 'completed' };
    });
    await queue.enqueue(job({ job_id: 'job-remove-2' }));
    await until('it runs', () => seen.consumer.active === 1);
    expect(await queue.remove(NAME, 'job-remove-2')).toBe('active');
    gate.resolve();
    await until('it is completed', async () => (await queue.depth(NAME)).completed === 1);
    expect(await queue.remove(NAME, 'job-remove-2')).toBe('absent');
    expect(seen.deliveries.map((delivery) => delivery.job.document.job_id)).toEqual(['job-remove-2']);
  });

  test('removes a job that waits for its retry', async () => {
    await using queue = await open();
    await queue.enqueue(job());
    await using seen = await consumeAll(queue, () => ({ kind: 'postponed', delayMs: 60_000, reason: 'later' }));
    await until('it is delayed', async () => (await queue.depth(NAME)).delayed === 1);
    expect(await queue.remove(NAME, 'job-test-0001')).toBe('removed');
    expect(await queue.depth(NAME)).toMatchObject({ delayed: 0, waiting: 0 });
    expect(seen.deliveries).toHaveLength(1);
  });

  test('keeps tenants and pools apart, and knows the names of all', async () => {
    await using queue = await open();
    await queue.enqueue(job({ job_id: 'job-apart-1' }));
    await queue.enqueue({ ...job({ job_id: 'job-apart-1' }), tenant: 'other' });
    await queue.enqueue({ ...job({ job_id: 'job-apart-2' }), pool: 'gpu' });
    await using seen = await consumeAll(queue, undefined, { tenant: 'other', pool: 'default' });
    await until('it is delivered', () => seen.deliveries.length === 1);
    expect(seen.deliveries[0]?.job.tenant).toBe('other');
    expect(await queue.depth(NAME)).toMatchObject({ waiting: 1 });
    const names = (await queue.names()).map(({ tenant, pool }) => `${tenant}/${pool}`).sort();
    expect(names).toEqual(['acme/default', 'acme/gpu', 'other/default']);
  });

  test('knows the name of a queue that has a consumer and no job', async () => {
    await using queue = await open();
    await using _consumer = (await consumeAll(queue)).consumer;
    expect(await queue.names()).toEqual([NAME]);
  });

  test('takes reports of progress', async () => {
    await using queue = await open();
    await queue.enqueue(job());
    await using seen = await consumeAll(queue, async (delivery) => {
      await delivery.reportProgress({ percent: 40, phase: 'disk_inspection' });
      return { kind: 'completed' };
    });
    await until('the job is completed', async () => (await queue.depth(NAME)).completed === 1);
    expect(seen.deliveries).toHaveLength(1);
  });
});

describe('the queue on BullMQ', () => {
  test.each(['a:b', 'a}', '', 'a b'])('refuses the name "%s" for a tenant or pool', async (name) => {
    await using queue = await openBullmqQueue();
    await expect(queue.enqueue({ ...job(), tenant: name })).rejects.toThrow('Cannot name a queue');
    await expect(queue.enqueue({ ...job(), pool: name })).rejects.toThrow('Cannot name a queue');
  });
});

function job(document: Readonly<Record<string, unknown>> = {}): QueuedJob {
  return { ...NAME, document: jobDocument(document), acceptedAtMs: 1_777_000_000_000 };
}

function retryAfter(delayMs: number): Extract<Outcome, { readonly retry: true }> {
  return { kind: 'failed', retry: true, delayMs, reason: 'no luck' };
}

function counters({ attempt, failedAttempts, lostAttempts }: Delivery) {
  return { attempt, failedAttempts, lostAttempts };
}

interface Seen extends AsyncDisposable {
  readonly consumer: Consumer;
  readonly deliveries: readonly Delivery[];
}

/** A consumer with one slot that notes every delivery, and completes it unless told otherwise. */
async function consumeAll(
  queue: JobQueue,
  outcomeOf: (delivery: Delivery) => Outcome | Promise<Outcome> = () => ({ kind: 'completed' }),
  name = NAME,
): Promise<Seen> {
  const deliveries: Delivery[] = [];
  const options: ConsumeOptions = {
    ...name,
    slots: 1,
    handle: async (delivery) => {
      deliveries.push(delivery);
      return outcomeOf(delivery);
    },
  };
  const consumer = await queue.consume(options);
  return { consumer, deliveries, [Symbol.asyncDispose]: () => consumer[Symbol.asyncDispose]() };
}
