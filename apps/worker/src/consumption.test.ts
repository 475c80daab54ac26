import type { ConsumeOptions, Consumer, JobQueue } from '@guestkit/core/queue/job-queue';
import { createMemoryQueue } from '@guestkit/core/queue/memory-queue';
import { describe, expect, test } from 'vitest';
import { until } from '../../../test/support/condition.ts';
import { jobDocument } from '../../../test/support/job.ts';
import { Consumption } from './consumption.ts';

const NAME = { tenant: 'acme', pool: 'default' };

describe('Consumption', () => {
  test('replaces a consumer that takes nothing though a job waits', async () => {
    await using place = await open({ deaf: 1 });
    await place.queue.enqueue(job('job-waits-01'));
    await until('the job is taken', () => place.taken.length === 1);
    expect(place).toMatchObject({ replaced: 1, stuck: 0 });
    expect(place.consumption.fault).toBeUndefined();
  });

  test('says that it is stuck when another consumer takes nothing either', async () => {
    await using place = await open({ deaf: Number.POSITIVE_INFINITY });
    await place.queue.enqueue(job('job-waits-01'));
    await until('it says so', () => place.stuck > 0);
    expect(place.replaced).toBe(1);
    expect(place.consumption.fault).toBe('jobs wait, slots are free, and none is taken');
  });

  test('leaves a consumer alone that has nothing to take, no free slot, or a queue that is held', async () => {
    await using place = await open({});
    await place.pass();
    await place.queue.enqueue(job('job-runs-001'));
    await until('the job is taken', () => place.taken.length === 1);
    await place.queue.enqueue(job('job-waits-01'));
    await place.pass();
    place.isHeld = true;
    place.finish();
    await place.pass();
    expect(place).toMatchObject({ replaced: 0, stuck: 0 });
  });

  test('lets the attempts of a replaced consumer end', async () => {
    await using place = await open({ deafAfter: 1, slots: 2 });
    await place.queue.enqueue(job('job-runs-001'));
    await until('the job is taken', () => place.taken.length === 1);
    await place.queue.enqueue(job('job-runs-002'));
    await until('the next is taken by another consumer', () => place.taken.length === 2);
    expect(place.consumption.active).toBe(2);
    expect(place.replaced).toBe(1);
    place.finish();
    await place.consumption.idle();
    await until('both are completed', async () => (await place.queue.depth(NAME)).completed === 2);
  });
});

interface Faults {
  /** How many consumers take nothing at all. */
  readonly deaf?: number;
  /** After how many jobs the first consumer takes no more. */
  readonly deafAfter?: number;
  readonly slots?: number;
}

async function open({ deaf = 0, deafAfter, slots = 1 }: Faults) {
  const inner = createMemoryQueue();
  let consumers = 0;
  let looks = 0;
  const gate = Promise.withResolvers<void>();
  const place = {
    ...{ taken: [] as string[], replaced: 0, stuck: 0, isHeld: false },
    finish: () => gate.resolve(),
    /** Waits for more looks than it takes to call a consumer stuck. */
    async pass() {
      const enough = looks + 12;
      await until('it has looked often', () => looks > enough);
    },
  };
  const consume = async (options: ConsumeOptions): Promise<Consumer> => {
    consumers += 1;
    if (consumers <= deaf) return inner.consume({ ...options, pool: 'nowhere' });
    return inner.consume(consumers === 1 && deafAfter !== undefined ? { ...options, slots: deafAfter } : options);
  };
  const queue: JobQueue = Object.assign(Object.create(inner), {
    ...bound(inner),
    consume,
    isHeld: async () => place.isHeld,
    depth: (name: typeof NAME) => inner.depth(name),
  });
  const consumption = new Consumption({
    ...{ ...NAME, queue, stuckMs: 50 },
    // asked for at every look
    get slots() {
      looks += 1;
      return slots;
    },
    async handle({ job: { document } }) {
      place.taken.push(document.job_id);
      if (document.job_id.startsWith('job-runs')) await gate.promise;
      return { kind: 'completed' };
    },
    onReplaced: () => {
      place.replaced += 1;
    },
    onStuck: () => {
      place.stuck += 1;
    },
    onError: (error) => expect.fail(error.message),
  });
  await consumption.start();
  return Object.assign(place, {
    ...{ queue, consumption },
    async [Symbol.asyncDispose]() {
      gate.resolve();
      await consumption[Symbol.asyncDispose]();
      await inner[Symbol.asyncDispose]();
    },
  });
}

/** The methods of a queue that need not be replaced. */
function bound(queue: JobQueue): Pick<JobQueue, 'enqueue' | 'names'> {
  return { enqueue: (job) => queue.enqueue(job), names: () => queue.names() };
}

function job(job_id: string) {
  return { ...NAME, document: jobDocument({ job_id }), acceptedAtMs: 0 };
}
