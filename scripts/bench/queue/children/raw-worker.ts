// A BullMQ worker that does nothing, and nothing else: what ours is compared with.
import { Worker, type WorkerOptions } from 'bullmq';
import { Redis } from 'ioredis';
import { answerWithDelays } from './delays.ts';

const { BENCH_REDIS = '', BENCH_SLOTS = '50', BENCH_OPTIONS = '{}' } = process.env;
const options: Partial<WorkerOptions> = JSON.parse(BENCH_OPTIONS);
const connection = new Redis(BENCH_REDIS, { maxRetriesPerRequest: null });
const delays = answerWithDelays();
const worker = new Worker(
  'raw',
  async ({ data }) => {
    delays.note(data?.addedAtMs);
    if (data?.holdMs) await new Promise((resolve) => setTimeout(resolve, data.holdMs));
  },
  { connection, prefix: 'bench', concurrency: Number(BENCH_SLOTS), ...options },
);
worker.on('error', () => {});
await worker.waitUntilReady();
process.send?.({});
process.once('SIGTERM', () => process.exit(0));
// the bench is gone
process.once('disconnect', () => process.exit(0));
