import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { FlowProducer, Queue } from 'bullmq';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { until } from '../../../../test/support/condition.ts';
import { jobDocument } from '../../../../test/support/job.ts';
import { startRedis, type TestRedis } from '../../../../test/support/redis-server.ts';
import { connectRedis, type RedisConnection } from '../coordination/redis/connection.ts';
import { type BullmqQueueOptions, createBullmqQueue } from './bullmq-queue.ts';
import type { Delivery, JobQueue, Outcome, QueuedJob } from './job-queue.ts';

const NAME = { tenant: 'acme', pool: 'default' };

describe('createBullmqQueue', () => {
  test('shows a job in BullMQ under its own id, operation, tenant and pool', async () => {
    await using redis = await startRedis();
    await using cluster = await open(redis, { prefix: 'guestkit' });
    await cluster.queue.enqueue(job({ execution: { priority: 9 } }));
    const seen = await cluster.bullmq().getJob('job-test-0001');
    expect(seen).toMatchObject({
      name: 'system.echo',
      priority: 2,
      data: { tenant: 'acme', pool: 'default', document: { execution: { priority: 9 } } },
    });
    expect(await cluster.connection.client.exists('guestkit:{acme}:default:job-test-0001')).toBe(1);
  });

  test('holds nothing in Redis that a job has in common with most, and answers with all of it', async () => {
    await using redis = await startRedis();
    await using cluster = await open(redis, { prefix: 'brief' });
    const [usual, other] = [job(), job({ job_id: 'job-test-0002', execution: { priority: 9, cancellable: false } })];
    for (const each of [usual, other]) await cluster.queue.enqueue(each);
    const seen = await cluster.bullmq().getJob('job-test-0001');
    expect(Object.keys(seen?.data.document).sort()).toEqual(['created_at', 'job_id', 'operation', 'payload']);
    const options = await cluster.connection.client.hget('brief:{acme}:default:job-test-0001', 'opts');
    expect(Object.keys(JSON.parse(options ?? '{}')).sort()).toEqual(['attempts', 'jobId', 'priority']);
    for (const each of [usual, other]) {
      const found = await cluster.queue.find(NAME, each.document.job_id);
      // in the same order, too
      expect(JSON.stringify(found?.document)).toBe(JSON.stringify(each.document));
    }
  });

  test('adds many in their order', async () => {
    await using redis = await startRedis();
    await using cluster = await open(redis);
    const ids = Array.from({ length: 101 }, (_, n) => `job-test-${n}`);
    await cluster.queue.enqueueAll(ids.map((job_id) => job({ job_id })));
    expect(await cluster.queue.waitingIds(NAME, { from: 0, limit: 200 })).toEqual(ids);
  });

  test('claims a job that holds all of it, as those of older nodes do', async () => {
    await using redis = await startRedis();
    await using cluster = await open(redis);
    const old = job();
    const options = { jobId: old.document.job_id, attempts: Number.MAX_SAFE_INTEGER, stackTraceLimit: 1 };
    await cluster.bullmq().add(old.document.operation, { ...old, postponed: 0 }, options);
    const delivered = Promise.withResolvers<QueuedJob>();
    const handle = async (delivery: Delivery): Promise<Outcome> => {
      delivered.resolve(delivery.job);
      return { kind: 'completed' };
    };
    await cluster.queue.consume({ ...NAME, slots: 1, handle });
    expect(await delivered.promise).toEqual(old);
  });

  test('shows who runs a job, its progress, and its summary or reason at the end', async () => {
    await using redis = await startRedis();
    await using cluster = await open(redis);
    const handle = async (delivery: Delivery): Promise<Outcome> => {
      await delivery.reportProgress({ percent: 40 });
      return delivery.job.document.job_id === 'job-good-001'
        ? { kind: 'completed', summary: { status: 'completed' } }
        : { kind: 'failed', retry: false, reason: 'the image is corrupt' };
    };
    await cluster.queue.consume({ ...NAME, consumer: 'worker-7', slots: 1, handle });
    for (const job_id of ['job-good-001', 'job-bad-0001']) await cluster.queue.enqueue(job({ job_id }));
    await until('both have ended', async () => {
      const { completed, failed } = await cluster.queue.depth(NAME);
      return completed === 1 && failed === 1;
    });
    expect(await cluster.bullmq().getJob('job-good-001')).toMatchObject({
      ...{ processedBy: 'worker-7', progress: { percent: 40 }, returnvalue: { status: 'completed' } },
    });
    expect(await cluster.bullmq().getJob('job-bad-0001')).toMatchObject({ failedReason: 'the image is corrupt' });
  });

  test('keeps a thousand completed jobs, and fifty more until the next look', async () => {
    await using redis = await startRedis();
    await using cluster = await open(redis);
    const ids = Array.from({ length: 1_200 }, (_, n) => `job-many-${n}`);
    await cluster.queue.enqueueAll(ids.map((job_id) => job({ job_id })));
    await cluster.queue.consume({ ...NAME, slots: 50, handle: async () => ({ kind: 'completed' }) });
    const isEnded = async () => {
      const { waiting, active } = await cluster.queue.depth(NAME);
      return waiting + active === 0;
    };
    await until('all to have ended', isEnded);
    const { completed } = await cluster.queue.depth(NAME);
    expect(completed).toBeGreaterThanOrEqual(1_000);
    expect(completed).toBeLessThan(1_050);
    expect(await cluster.bullmq().getJob('job-many-0')).toBeUndefined();
  });

  test('takes out a job that waits for others, and those with it', async () => {
    await using redis = await startRedis();
    await using cluster = await open(redis, { prefix: 'guestkit' });
    const flows = new FlowProducer({ connection: cluster.connection.client, prefix: 'guestkit:{acme}' });
    const child = { name: 'system.echo', queueName: 'default', data: {}, opts: { jobId: 'job-child-001' } };
    await flows.add({ ...child, opts: { jobId: 'job-parent-01' }, children: [child] });
    expect(await cluster.bullmq().getJobState('job-parent-01')).toBe('waiting-children');
    expect(await cluster.queue.remove(NAME, 'job-parent-01')).toBe('removed');
    expect(await cluster.queue.remove(NAME, 'job-child-001')).toBe('absent');
    await flows.close();
  });

  test('takes out a job whose consumer has vanished, once its lock has run out', async () => {
    await using redis = await startRedis();
    await using cluster = await open(redis, { prefix: 'guestkit' });
    await cluster.queue.enqueue(job());
    const victim = startConsumerProcess(redis, 'guestkit');
    await once(victim, 'message');
    expect(await cluster.queue.remove(NAME, 'job-test-0001')).toBe('active');
    victim.kill('SIGKILL');
    await until('its lock to run out', async () => (await cluster.queue.remove(NAME, 'job-test-0001')) === 'removed');
    expect(await cluster.queue.depth(NAME)).toMatchObject({ active: 0, waiting: 0 });
  });

  test('is held while it is paused', async () => {
    await using redis = await startRedis();
    await using cluster = await open(redis);
    await cluster.bullmq().pause();
    expect(await cluster.queue.isHeld(NAME)).toBe(true);
    await cluster.bullmq().resume();
    expect(await cluster.queue.isHeld(NAME)).toBe(false);
  });

  test('has a consumer say that it cannot claim while Redis is away', async () => {
    await using redis = await startRedis();
    await using cluster = await open(redis);
    const consumer = await cluster.queue.consume({ ...NAME, slots: 1, handle: async () => ({ kind: 'completed' }) });
    await redis.kill();
    await until('it says so', () => consumer.fault !== undefined);
    await redis.restart();
    await until('it can claim again', () => consumer.fault === undefined);
  });

  test('forgets a job that is in no list, so that it can be added anew', async () => {
    await using redis = await startRedis();
    await using cluster = await open(redis, { prefix: 'stray' });
    await cluster.queue.enqueue(job());
    await cluster.connection.client.del('stray:{acme}:default:prioritized');
    expect(await cluster.queue.presence(NAME, ['job-test-0001'])).toEqual(
      new Map([['job-test-0001', { state: 'stray' }]]),
    );
    expect(await cluster.queue.forget(NAME, 'job-test-0001')).toBe(true);
    await cluster.queue.enqueue(job());
    expect(await cluster.queue.depth(NAME)).toMatchObject({ waiting: 1 });
  });

  test('re-runs the job of a consumer that was killed, within 10 s at the defaults', async () => {
    await using redis = await startRedis();
    await using cluster = await open(redis, { prefix: 'killed' });
    await cluster.queue.enqueue(job({ execution: { max_attempts: 1 } }));
    const victim = startConsumerProcess(redis, 'killed');
    await once(victim, 'message');
    const delivery = Promise.withResolvers<Delivery>();
    await cluster.queue.consume({
      ...NAME,
      slots: 1,
      handle: async (given) => {
        delivery.resolve(given);
        return { kind: 'completed' };
      },
    });
    const killedAtMs = performance.now();
    victim.kill('SIGKILL');
    expect(await delivery.promise).toMatchObject({ attempt: 2, failedAttempts: 0, lostAttempts: 1 });
    expect(performance.now() - killedAtMs).toBeLessThan(10_000);
  });

  test('fires the signal of a running job whose lock cannot be renewed in time', async () => {
    await using redis = await startRedis();
    await using cluster = await open(redis, { lockMs: 400, stalledCheckMs: 200 });
    const signals: AbortSignal[] = [];
    const handle = (_: Delivery, signal: AbortSignal) => {
      signals.push(signal);
      return new Promise<Outcome>((resolve) => signal.addEventListener('abort', () => resolve({ kind: 'released' })));
    };
    await cluster.queue.consume({ ...NAME, slots: 1, handle });
    await cluster.queue.enqueue(job());
    await until('it runs', () => signals.length === 1);
    process.kill(redis.pid, 'SIGSTOP');
    await until('the signal fires', () => signals[0]?.aborted === true);
    process.kill(redis.pid, 'SIGCONT');
    await until('the job is delivered again', () => signals.length > 1);
  });

  test('does not count the failure of an attempt that it has lost', async () => {
    await using redis = await startRedis();
    await using cluster = await open(redis, { lockMs: 400, stalledCheckMs: 200 });
    const deliveries: Delivery[] = [];
    const onCounted = vi.fn();
    const handle = async (delivery: Delivery, signal: AbortSignal): Promise<Outcome> => {
      deliveries.push(delivery);
      if (deliveries.length > 1) return { kind: 'completed' };
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      return { kind: 'failed', retry: true, delayMs: 1, reason: 'too late', onCounted };
    };
    await cluster.queue.consume({ ...NAME, slots: 1, handle });
    await cluster.queue.enqueue(job());
    await until('it runs', () => deliveries.length === 1);
    process.kill(redis.pid, 'SIGSTOP');
    await until('it is lost', () => deliveries[0]?.isHeld() === false);
    process.kill(redis.pid, 'SIGCONT');
    await until('the job is delivered again', () => deliveries.length > 1);
    expect(deliveries[1]).toMatchObject({ attempt: 2, failedAttempts: 0, lostAttempts: 1 });
    expect(onCounted).not.toHaveBeenCalled();
  });

  test('knows by the clock that a job is lost while this process was stopped, before any signal says so', async () => {
    await using redis = await startRedis();
    await using cluster = await open(redis, { lockMs: 2_000, stalledCheckMs: 10_000 });
    const held: [isHeld: boolean, isAborted: boolean][] = [];
    const handle = async ({ isHeld }: Delivery, { aborted }: AbortSignal): Promise<Outcome> => {
      held.push([isHeld(), aborted]);
      standStill(2_200);
      held.push([isHeld(), aborted]);
      return { kind: 'released' };
    };
    await cluster.queue.consume({ ...NAME, slots: 1, handle });
    await cluster.queue.enqueue(job());
    await until('it has run', () => held.length >= 2);
    expect(held.slice(0, 2)).toEqual([
      [true, false],
      [false, false],
    ]);
  });

  test('does not begin an attempt whose claim was answered too late', async () => {
    await using redis = await startRedis();
    await using way = await startSlowWay(redis);
    await using near = await open(redis, { prefix: 'late' });
    await using far = await open(way, { prefix: 'late', lockMs: 400, stalledCheckMs: 200 });
    const deliveries: Delivery[] = [];
    const handle = async (delivery: Delivery): Promise<Outcome> => {
      deliveries.push(delivery);
      return { kind: 'completed' };
    };
    await far.queue.consume({ ...NAME, slots: 1, handle });
    way.delay(600);
    await near.queue.enqueue(job());
    await until('a claim was put back, or taken for lost', async () => {
      const waiting = await near.bullmq().getJob('job-test-0001');
      return (waiting?.data.postponed ?? 0) + (waiting?.stalledCounter ?? 0) > 0;
    });
    expect(deliveries).toEqual([]);
    way.delay(0);
    await until('it is completed', async () => (await near.queue.depth(NAME)).completed === 1);
    expect(deliveries).toHaveLength(1);
  });

  test('does not fire the signal of a job that runs for longer than a lock lasts', async () => {
    await using redis = await startRedis();
    await using cluster = await open(redis, { lockMs: 300, stalledCheckMs: 100 });
    const attempts: number[] = [];
    const handle = async ({ attempt }: Delivery, signal: AbortSignal): Promise<Outcome> => {
      attempts.push(attempt);
      const endsAtMs = performance.now() + 1_500;
      await until('time is up', () => performance.now() > endsAtMs || signal.aborted);
      return signal.aborted ? { kind: 'failed', retry: false, reason: 'lost' } : { kind: 'completed' };
    };
    await cluster.queue.consume({ ...NAME, slots: 1, handle });
    await cluster.queue.enqueue(job());
    await until('it is completed', async () => (await cluster.queue.depth(NAME)).completed === 1);
    expect(attempts).toEqual([1]);
  });

  test('goes on after Redis was killed and restarted: what was enqueued is delivered, and more can be', async () => {
    await using redis = await startRedis();
    await using cluster = await open(redis, { lockMs: 1_000, stalledCheckMs: 300 });
    const delivered = new Set<string>();
    const handle = async ({ job: { document } }: Delivery): Promise<Outcome> => {
      delivered.add(document.job_id);
      return { kind: 'completed' };
    };
    await cluster.queue.consume({ ...NAME, slots: 2, handle });
    await cluster.queue.enqueue(job({ job_id: 'job-before-1' }));
    await until('the first is delivered', () => delivered.size === 1);
    await redis.kill();
    await until('the outage is noticed', () => !cluster.connection.isReady);
    await expect(cluster.queue.enqueue(job({ job_id: 'job-during-1' }))).rejects.toThrow('is not connected');
    await redis.restart();
    await until('it is back', () => cluster.connection.isReady);
    await cluster.queue.enqueue(job({ job_id: 'job-after-01' }));
    await until('the next is delivered', () => delivered.has('job-after-01'));
  });

  test('goes on after a flush of Redis', async () => {
    await using redis = await startRedis();
    await using cluster = await open(redis);
    const delivered: string[] = [];
    const handle = async ({ job: { document } }: Delivery): Promise<Outcome> => {
      delivered.push(document.job_id);
      return { kind: 'completed' };
    };
    await cluster.queue.consume({ ...NAME, slots: 1, handle });
    await cluster.connection.client.flushall();
    await cluster.queue.enqueue(job());
    await until('it is delivered', () => delivered.length === 1);
  });

  test('can be disposed of while Redis is away and a handler does not end', async () => {
    await using redis = await startRedis();
    const cluster = await open(redis, { closeTimeoutMs: 300 });
    const claimed = Promise.withResolvers<AbortSignal>();
    const handle = (_: Delivery, signal: AbortSignal) => {
      claimed.resolve(signal);
      return new Promise<Outcome>(() => {});
    };
    await cluster.queue.consume({ ...NAME, slots: 1, handle });
    await cluster.queue.enqueue(job());
    const signal = await claimed.promise;
    await redis.kill();
    await until('the outage is noticed', () => !cluster.connection.isReady);
    const before = performance.now();
    await cluster.queue[Symbol.asyncDispose]();
    expect(performance.now() - before).toBeLessThan(2_000);
    expect(signal.aborted).toBe(true);
    await cluster.connection[Symbol.asyncDispose]();
  });
});

function job(document: Readonly<Record<string, unknown>> = {}): QueuedJob {
  return { ...NAME, document: jobDocument(document), acceptedAtMs: 1_777_000_000_000 };
}

interface Cluster extends AsyncDisposable {
  readonly connection: RedisConnection;
  readonly queue: JobQueue;
  /** BullMQ's own view of the queue, as Bull Board has it. */
  bullmq(): Queue;
}

async function open(redis: Pick<TestRedis, 'url'>, given: Partial<BullmqQueueOptions> = {}): Promise<Cluster> {
  const connection = await connectRedis(redis.url, { role: 'client' });
  const prefix = given.prefix ?? randomUUID();
  const queue = createBullmqQueue({ closeTimeoutMs: 500, ...given, prefix, connection });
  return {
    connection,
    queue,
    bullmq: () => new Queue(NAME.pool, { connection: connection.client, prefix: `${prefix}:{${NAME.tenant}}` }),
    async [Symbol.asyncDispose]() {
      await queue[Symbol.asyncDispose]();
      await connection[Symbol.asyncDispose]();
    },
  };
}

/** Another process that claims one job, says so, and never ends it. */
function startConsumerProcess(redis: TestRedis, prefix: string): ChildProcess {
  const code = `
    import { connectRedis } from '@guestkit/core/coordination/redis/connection';
    import { createBullmqQueue } from '@guestkit/core/queue/bullmq-queue';
    const [url, prefix] = process.argv.slice(1);
    const connection = await connectRedis(url, { role: 'client' });
    const queue = createBullmqQueue({ connection, prefix });
    const handle = ({ attempt }) => {
      process.send({ attempt });
      return new Promise(() => {});
    };
    await queue.consume({ tenant: 'acme', pool: 'default', slots: 1, handle });
  `;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code, redis.url, prefix], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

interface SlowWay extends AsyncDisposable {
  readonly url: string;
  /** From now on, Redis is heard so much later. */
  delay(ms: number): void;
}

async function startSlowWay(redis: TestRedis): Promise<SlowWay> {
  let delayMs = 0;
  const url = `${redis.url}-slow`;
  const server = createServer((near) => {
    const far = connect(redis.url.replace('unix:', ''));
    near.pipe(far);
    far.on('data', (bytes) => setTimeout(() => near.write(bytes), delayMs));
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const)
      socket.on('close', () => other.destroy()).on('error', () => other.destroy());
  });
  server.listen(url.replace('unix:', ''));
  await once(server, 'listening');
  return {
    url,
    delay(ms) {
      delayMs = ms;
    },
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}

/** As a process that is stopped, or a loop that is blocked. */
function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
