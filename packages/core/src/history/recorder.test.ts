import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { until } from '../../../../test/support/condition.ts';
import { jobDocument } from '../../../../test/support/job.ts';
import { attemptEvents } from '../../../../test/support/job-events.ts';
import { startRedis } from '../../../../test/support/redis-server.ts';
import { connectRedis } from '../coordination/redis/connection.ts';
import { RedisEventStream } from '../coordination/redis/event-stream.ts';
import type { JobEvent } from '../job/event.ts';
import { startRecorder } from './recorder.ts';
import { openSqliteHistory } from './sqlite/open.ts';

const TENANT = 'acme';
const DOOMED_RECORDER = path.join(import.meta.dirname, 'testing/doomed-recorder.ts');

describe('startRecorder', () => {
  test('moves what happens to a job from the stream into history, and tells of it once it is durable', async () => {
    await using cluster = await open();
    const history = await cluster.openHistory();
    await history.accept(accepted('job-number-0'));
    const recorded: JobEvent[] = [];
    const onRecorded = (events: readonly JobEvent[]) => recorded.push(...events);
    const stream = cluster.openStream();
    cluster.onEnd.use(startRecorder({ stream, history, consumer: 'one', onRecorded, onError: fail }));
    const events = lifeOf('job-number-0');
    await stream.publish(events);
    await until('it is completed', async () => (await history.find(TENANT, 'job-number-0'))?.status === 'completed');
    await until('it is told', () => recorded.length === events.length);
    expect(await history.events(TENANT, 'job-number-0', { limit: 10 })).toEqual(events);
  });

  test('two of them on one file and one stream record everything exactly once', async () => {
    await using cluster = await open();
    const ids = Array.from({ length: 60 }, (_, index) => `job-number-${index}`);
    const first = await cluster.openHistory();
    await Promise.all(ids.map((id) => first.accept(accepted(id))));
    for (const consumer of ['one', 'two']) {
      const history = await cluster.openHistory();
      const stream = cluster.openStream();
      cluster.onEnd.use(startRecorder({ stream, history, consumer, batchSize: 7, onError: fail }));
    }
    const stream = cluster.openStream();
    // each job's events one by one, many jobs at once, so that both recorders have parts of the same jobs
    await Promise.all(
      ids.map(async (id) => {
        for (const event of [...lifeOf(id), ...lifeOf(id)]) await stream.publish([event]);
      }),
    );
    const filter = { tenant: TENANT, status: ['completed'] as const };
    await until('all are completed', async () => (await first.count(filter)) === ids.length);
    await until('the stream is empty', async () => (await cluster.streamLength()) === 0);
    for (const id of ids) {
      expect((await first.events(TENANT, id, { limit: 20 })).map(({ type }) => type)).toEqual([
        'assigned',
        'running',
        'progress',
        'finished',
      ]);
      expect(await first.attempts(TENANT, id)).toHaveLength(1);
    }
  });

  test('loses nothing to a kill and restart of Redis', async () => {
    await using cluster = await open();
    const history = await cluster.openHistory();
    const ids = Array.from({ length: 30 }, (_, index) => `job-number-${index}`);
    await Promise.all(ids.map((id) => history.accept(accepted(id))));
    const stream = cluster.openStream();
    cluster.onEnd.use(startRecorder({ stream, history, consumer: 'one', batchSize: 5, onError: () => {} }));
    const published = Promise.all(ids.map((id) => stream.publish(lifeOf(id))));
    await cluster.redis.kill();
    await cluster.redis.restart();
    await published;
    // what Redis had acknowledged within its last second may be gone with it, and is told again by the reconciler; nothing here is
    for (const id of ids) await stream.publish(lifeOf(id));
    const filter = { tenant: TENANT, status: ['completed'] as const };
    await until('all are completed', async () => (await history.count(filter)) === ids.length);
  });

  test.each(['read', 'written'])(
    'leaves no gap, and writes nothing twice, when it is killed after it has %s a batch and before it says so',
    async (moment) => {
      await using cluster = await open();
      const ids = Array.from({ length: 20 }, (_, index) => `job-number-${index}`);
      const history = await cluster.openHistory();
      await Promise.all(ids.map((id) => history.accept(accepted(id))));
      const stream = cluster.openStream({ reclaimAfterMs: 200 });
      await Promise.all(ids.slice(0, 10).map((id) => stream.publish(lifeOf(id))));
      const doomed = cluster.startDoomedRecorder(moment);
      await once(doomed, 'message');
      doomed.kill('SIGKILL');
      await once(doomed, 'exit');
      await Promise.all(ids.slice(10).map((id) => stream.publish(lifeOf(id))));
      cluster.onEnd.use(startRecorder({ stream, history, consumer: 'heir', onError: fail }));
      const filter = { tenant: TENANT, status: ['completed'] as const };
      await until('all are completed', async () => (await history.count(filter)) === ids.length);
      await until('the stream is empty', async () => (await cluster.streamLength()) === 0);
      for (const id of ids) expect(await history.events(TENANT, id, { limit: 20 })).toEqual(lifeOf(id));
    },
  );
});

async function open() {
  const onEnd = new AsyncDisposableStack();
  const redis = onEnd.use(await startRedis());
  const connection = onEnd.use(await connectRedis(redis.url, { role: 'client' }));
  const folder = await mkdtemp(path.join(tmpdir(), 'gk-recorder-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'history.sqlite');
  return {
    redis,
    /** Disposed of in reverse order at the end of the test. */
    onEnd,
    openHistory: async () => onEnd.use(await openSqliteHistory({ file })),
    openStream: (options: { readonly reclaimAfterMs?: number } = {}) =>
      onEnd.use(new RedisEventStream({ connection, prefix: 'recorder', ...options })),
    startDoomedRecorder: (moment: string) => fork(DOOMED_RECORDER, [redis.url, 'recorder', file, moment]),
    streamLength: () => connection.client.xlen('recorder:events'),
    [Symbol.asyncDispose]: () => onEnd.disposeAsync(),
  };
}

function accepted(job_id: string) {
  return { tenant: TENANT, pool: 'default', document: jobDocument({ job_id }), acceptedAtMs: 0 };
}

function lifeOf(job_id: string): readonly JobEvent[] {
  const attempt = attemptEvents({ job_id });
  return [attempt.assigned(), attempt.running(), attempt.progress(), attempt.finished()];
}

function fail(error: Error): void {
  expect.fail(error.message);
}
