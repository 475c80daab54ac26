import { describe, expect, test } from 'vitest';
import { jobDocument } from '../../../../test/support/job.ts';
import { attemptEvents } from '../../../../test/support/job-events.ts';
import type { Fence } from '../coordination/fence.ts';
import type { WorkerAdvertisement } from '../coordination/worker-registry.ts';
import { createMemoryQueue } from '../queue/memory-queue.ts';
import { reaperDuty } from './reaper-duty.ts';
import { openSqliteHistory } from './sqlite/open.ts';

const START_MS = Date.UTC(2026, 4, 4, 8);
const NAME = { tenant: 'acme', pool: 'default' };
const ID = 'job-test-0001';

/** A history, a queue and a reaper whose time is given. */
async function open(execution: Readonly<Record<string, unknown>>, { alive = [] as readonly string[] } = {}) {
  const stack = new AsyncDisposableStack();
  const history = stack.use(await openSqliteHistory({ file: ':memory:' }));
  const queue = stack.use(createMemoryQueue());
  const closed: string[] = [];
  const endedFor: string[] = [];
  const fence: Fence = {
    raise: async () => 'raised',
    holds: async () => true,
    close: async (_tenant, jobId) => void closed.push(jobId),
  };
  const registry = {
    announce: async () => undefined,
    withdraw: async () => undefined,
    list: async () => alive.map((worker_id) => ({ worker_id }) as WorkerAdvertisement),
  };
  const job = { ...NAME, document: jobDocument({ execution }), acceptedAtMs: START_MS };
  await history.accept(job);
  await queue.enqueue(job);
  const reapAfter = (seconds: number) =>
    reaperDuty({
      ...{ history, queue, registry, fence, clock: () => START_MS + seconds * 1000 },
      onEnded: ({ code }) => endedFor.push(code),
    }).run(new AbortController().signal);
  return { history, queue, closed, endedFor, reapAfter, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe('reaperDuty', () => {
  test('ends a job that waits too long, and takes it out of the queue', async () => {
    await using place = await open({ timeouts: { wait_seconds: 60 } });
    await place.reapAfter(59);
    expect(await place.history.find('acme', ID)).toMatchObject({ status: 'pending' });
    await place.reapAfter(61);
    expect(await place.history.find('acme', ID)).toMatchObject({ status: 'timeout', error: { code: 'WAIT_TIMEOUT' } });
    expect(await place.history.findDeadLetter('acme', ID)).toMatchObject({ class: 'wait-timeout' });
    expect(place.endedFor).toEqual(['WAIT_TIMEOUT']);
    expect(await place.queue.remove(NAME, ID)).toBe('absent');
  });

  test('leaves a job to the worker that has just taken it', async () => {
    await using place = await open({ timeouts: { wait_seconds: 60 } });
    const { promise, resolve } = Promise.withResolvers<void>();
    const handle = async () => {
      await promise;
      return { kind: 'completed' } as const;
    };
    const consumer = await place.queue.consume({ ...NAME, slots: 1, handle });
    await place.reapAfter(61);
    expect(await place.history.find('acme', ID)).toMatchObject({ status: 'pending' });
    resolve();
    await consumer.idle();
  });

  test('ends a job whose deadline passed while it waited for another attempt', async () => {
    await using place = await open({ deadline: new Date(START_MS + 60_000).toISOString() });
    const attempt = attemptEvents();
    await place.history.record([attempt.running(), attempt.released('retry')]);
    await place.reapAfter(61);
    expect(await place.history.find('acme', ID)).toMatchObject({ error: { code: 'DEADLINE_EXCEEDED' } });
    // an attempt that is not over yet somewhere publishes nothing
    expect(place.closed).toEqual([ID]);
  });

  test('ends a job at its deadline whose worker is gone, and no other', async () => {
    const deadline = new Date(START_MS + 60_000).toISOString();
    for (const alive of [['worker-1'], []]) {
      await using place = await open({ deadline }, { alive });
      await place.history.record([attemptEvents().running()]);
      await place.reapAfter(600);
      expect((await place.history.find('acme', ID))?.status).toBe(alive.length > 0 ? 'running' : 'timeout');
    }
  });

  test('takes a job back that runs beyond its time with a worker that is gone', async () => {
    await using place = await open({ timeout_seconds: 60 });
    await place.history.record([attemptEvents().running()]);
    await place.reapAfter(70);
    expect(await place.history.find('acme', ID)).toMatchObject({ status: 'running' });
    await place.reapAfter(76);
    expect(await place.history.find('acme', ID)).toMatchObject({ status: 'pending', attempt: 1 });
    expect(await place.history.attempts('acme', ID)).toMatchObject([{ outcome: 'lost' }]);
  });
});
