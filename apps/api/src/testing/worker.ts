import { connectRedis } from '@guestkit/core/coordination/redis/connection';
import { RedisEventStream } from '@guestkit/core/coordination/redis/event-stream';
import { RedisWorkerRegistry } from '@guestkit/core/coordination/redis/worker-registry';
import { type JobEvent, sequenceOf } from '@guestkit/core/job/event';
import { completedResult } from '@guestkit/core/job/result';
import { timestampOf } from '@guestkit/core/job/timestamp';
import { createBullmqQueue } from '@guestkit/core/queue/bullmq-queue';
import type { Delivery } from '@guestkit/core/queue/job-queue';
import { advertisement } from './advertisement.ts';

export interface TestWorkerOptions {
  readonly redisUrl: string;
  readonly prefix: string;
  readonly tenant?: string;
  readonly pool?: string;
  /** Awaited between the two progress events of a job. */
  readonly halfway?: (jobId: string) => Promise<void>;
}

/** A worker of the simplest kind on the real queue and event stream: answers a job with its own payload. */
export async function startTestWorker(options: TestWorkerOptions): Promise<AsyncDisposable> {
  const { redisUrl, prefix, tenant = 'default', pool = 'default' } = options;
  const stack = new AsyncDisposableStack();
  const connection = stack.use(await connectRedis(redisUrl, { role: 'client' }));
  const queue = stack.use(createBullmqQueue({ connection, prefix }));
  const events = stack.use(new RedisEventStream({ connection, prefix }));
  await new RedisWorkerRegistry({ connection, prefix }).announce(advertisement({ pool }), 60_000);
  const consumer = await queue.consume({
    tenant,
    pool,
    slots: 4,
    handle: async (delivery) => {
      await answerJob(events, delivery, options);
      return { kind: 'completed' };
    },
  });
  stack.use(consumer);
  return stack;
}

async function answerJob(events: RedisEventStream, delivery: Delivery, { halfway }: TestWorkerOptions): Promise<void> {
  const tell = eventWriter(events, delivery);
  const { document } = delivery.job;
  const startedAtMs = Date.now();
  await tell({ type: 'assigned' });
  await tell({ type: 'running' });
  await tell({ type: 'progress', phase: 'validation', progress_percent: 10, message: 'looking' });
  await halfway?.(document.job_id);
  await tell({ type: 'progress', phase: 'result_generation', progress_percent: 90, message: 'writing' });
  const ended = { document, workerId: 'worker-1', attempt: delivery.attempt, startedAtMs, endedAtMs: Date.now() };
  await tell({ type: 'finished', result: completedResult(ended, { data: document.payload.data }) });
}

type Told<Event = JobEvent> = Event extends JobEvent
  ? Omit<Event, 'tenant' | 'job_id' | 'attempt' | 'sequence' | 'timestamp' | 'worker_id'>
  : never;

function eventWriter(events: RedisEventStream, { job, attempt }: Delivery): (event: Told) => Promise<void> {
  let count = 0;
  return async (event) => {
    const sequence = sequenceOf(attempt, count);
    count += 1;
    const { tenant, document } = job;
    const common = { tenant, job_id: document.job_id, attempt, sequence, worker_id: 'worker-1' };
    await events.publish([{ ...common, timestamp: timestampOf(Date.now()), ...event }]);
  };
}
