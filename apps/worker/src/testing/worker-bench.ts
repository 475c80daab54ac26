import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readWorkerConfig } from '@guestkit/core/config/worker-config';
import { connectRedis } from '@guestkit/core/coordination/redis/connection';
import { RedisEventStream } from '@guestkit/core/coordination/redis/event-stream';
import { RedisWorkerRegistry } from '@guestkit/core/coordination/redis/worker-registry';
import type { WorkerRegistry } from '@guestkit/core/coordination/worker-registry';
import type { FinishedEvent, JobEvent } from '@guestkit/core/job/event';
import type { ResultDocument } from '@guestkit/core/job/result';
import { createBullmqQueue } from '@guestkit/core/queue/bullmq-queue';
import type { JobQueue, QueueName } from '@guestkit/core/queue/job-queue';
import { createLogger } from '@guestkit/core/telemetry/logger';
import { operations } from '@guestkit/operations/catalogue';
import type { ImageRequest, Operation } from '@guestkit/operations/operation';
import { runners } from '@guestkit/operations/runners';
import * as z from 'zod';
import { until } from '../../../../test/support/condition.ts';
import { jobDocument } from '../../../../test/support/job.ts';
import { startRedis, type TestRedis } from '../../../../test/support/redis-server.ts';
import { type Repertoire, type RunnableConfig, type RunningWorker, startWorker } from '../worker.ts';
import { MISBEHAVING_RUNNERS } from './jail-bench.ts';

export const RUNNERS_MODULE = fileURLToPath(new URL('../../../../test/support/jail-runners.ts', import.meta.url));
export const QUEUE: QueueName = { tenant: 'default', pool: 'default' };

/** The operations of jail-runners.ts: `data.image`, where given, is the path of a raw image. */
const MISBEHAVING = [
  'test.spin',
  'test.linger',
  'test.pause',
  'test.stubborn',
  'test.abort',
  'test.hog-buffers',
  'test.steps',
  'test.return',
  'test.corrupt',
];

export const TEST_REPERTOIRE: Repertoire = {
  operations: new Map([...operations, ...MISBEHAVING.map((name) => [name, jailed(name)] as const)]),
  inlineRunners: runners,
  runnersModule: RUNNERS_MODULE,
};

/** The same for workers that inspect nothing: jails without the real operations start in a quarter of the time. */
export const MISBEHAVING_REPERTOIRE: Repertoire = { ...TEST_REPERTOIRE, runnersModule: MISBEHAVING_RUNNERS };

function jailed(name: string): Operation {
  return {
    name,
    isolation: 'jail',
    payload: z.unknown(),
    images: (payload) => imagesOf(payload),
    output: () => undefined,
  };
}

function imagesOf(payload: unknown): readonly ImageRequest[] {
  const { image } = (payload ?? {}) as { readonly image?: string };
  return image === undefined ? [] : [{ path: image, format: 'raw' }];
}

/** Redis, a folder, and a client's and a recorder's view of what workers do. */
export interface WorkerBench extends AsyncDisposable {
  readonly redis: TestRedis;
  readonly folder: string;
  readonly queue: JobQueue;
  readonly registry: WorkerRegistry;
  startWorker(config?: Partial<RunnableConfig>, repertoire?: Repertoire): Promise<RunningWorker>;
  /** Enqueues a job and returns its id. */
  submit(operation: string, data: unknown, members?: Readonly<Record<string, unknown>>): Promise<string>;
  eventsOf(jobId: string): readonly JobEvent[];
  resultOf(jobId: string): Promise<ResultDocument>;
}

export async function openBench(): Promise<WorkerBench> {
  await using opened = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), 'guestkit-worker-test-'));
  opened.defer(() => rm(folder, { recursive: true, force: true }));
  const redis = opened.use(await startRedis());
  const connection = opened.use(await connectRedis(redis.url, { role: 'client' }));
  const queue = opened.use(createBullmqQueue({ connection, prefix: 'guestkit' }));
  const stream = opened.use(new RedisEventStream({ connection, prefix: 'guestkit' }));
  const told: JobEvent[] = [];
  const record = async (events: readonly JobEvent[]) => void told.push(...events);
  const options = { consumer: 'test', batchSize: 100, record, onError: () => undefined };
  void stream.consume(options, new AbortController().signal);
  const workers = opened.use(new AsyncDisposableStack());
  let submitted = 0;

  const eventsOf = (jobId: string) =>
    told.filter(({ job_id }) => job_id === jobId).sort((a, b) => a.sequence - b.sequence);
  const finishOf = (jobId: string) =>
    eventsOf(jobId).find((event): event is FinishedEvent => event.type === 'finished');
  const kept = opened.move();
  return {
    ...{ redis, folder, queue, eventsOf },
    registry: new RedisWorkerRegistry({ connection, prefix: 'guestkit' }),
    async startWorker(config = {}, repertoire = TEST_REPERTOIRE) {
      const logger = createLogger({ level: 'silent', app: 'worker', nodeId: 'test' });
      const worker = await startWorker({ ...testConfig(folder, redis.url), ...config }, logger, repertoire);
      workers.defer(() => worker.stop());
      return worker;
    },
    async submit(operation, data, members = {}) {
      await until('the client to have Redis', () => connection.isReady);
      submitted += 1;
      const job_id = `job-test-${String(submitted).padStart(4, '0')}`;
      const document = jobDocument({ operation, payload: { type: `${operation}.v1`, data }, ...members, job_id });
      await queue.enqueue({ ...QUEUE, document, acceptedAtMs: Date.now() });
      return job_id;
    },
    async resultOf(jobId) {
      // a postponed job may come back to the same worker many times before the right one has it
      await until(`${jobId} to finish`, () => finishOf(jobId) !== undefined, { timeoutMs: 90_000 });
      return finishOf(jobId)?.result as ResultDocument;
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function testConfig(folder: string, redisUrl: string): RunnableConfig {
  const flags = ['--slots', '2', '--metrics-port', '0', '--jail-memory-mb', '128', '--kill-grace-ms', '200'];
  const folders = ['--data-dir', folder, '--image-roots', folder, '--output-roots', path.join(folder, 'results')];
  const times = ['--heartbeat-ms', '200', '--drain-ms', '100', '--lock-ms', '2000', '--stalled-check-ms', '500'];
  return { ...readWorkerConfig({ argv: [...flags, ...folders, ...times], env: {} }), redisUrl };
}
