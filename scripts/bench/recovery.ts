// `npm run bench:recovery [-- SECTION… --jobs N --rounds N]`: how soon jobs run again after an outage of Redis, after a worker was killed,
// and after everything in Redis was lost.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { RedisCancelIntents } from '@guestkit/core/coordination/redis/cancel-intents';
import { connectRedis } from '@guestkit/core/coordination/redis/connection';
import { RedisEventStream } from '@guestkit/core/coordination/redis/event-stream';
import { RedisFence } from '@guestkit/core/coordination/redis/fence';
import { RedisQueueEpochKey } from '@guestkit/core/coordination/redis/queue-epoch-key';
import type { JobHistory } from '@guestkit/core/history/job-history';
import { openHistory } from '@guestkit/core/history/open-history';
import { createReconciler } from '@guestkit/core/history/reconcile/reconciler';
import { createBullmqQueue } from '@guestkit/core/queue/bullmq-queue';
import type { JobQueue } from '@guestkit/core/queue/job-queue';
import { type ApiProcess, type Cluster, startCluster } from '../../test/support/cluster.ts';
import { until } from '../../test/support/condition.ts';
import { jobDocument } from '../../test/support/job.ts';
import { postgresAbsent, startPostgres } from '../../test/support/postgres-server.ts';
import { startRedis } from '../../test/support/redis-server.ts';
import { median, printTable, type Row } from './figures.ts';

const RESUME_GOAL_MS = 3_000;
const RERUN_GOAL_MS = 5_000;
const REBUILD_GOAL_MS = 60_000;
const OUTAGE_MS = 5_000;
const NAME = { tenant: 'default', pool: 'default' };
/** Operations that take their time. */
const NODE_OPTIONS = `--import=${path.join(import.meta.dirname, '../../test/chaos/preload.ts')}`;
const PATIENT = { timeoutMs: 300_000, everyMs: 5 };

const SECTIONS = { resume, rerun, rebuild };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { jobs: { type: 'string', default: '100000' }, rounds: { type: 'string', default: '5' } },
});
const rounds = Number(values.rounds);
const rows: Row[] = [];
for (const [name, section] of Object.entries(SECTIONS)) {
  if (positionals.length === 0 || positionals.includes(name)) rows.push(...(await section()));
}
printTable('Recovery', rows);

/** From when Redis answers again until a job that was accepted in the outage has ended. */
async function resume(): Promise<readonly Row[]> {
  await using cluster = await startCluster({ apiNodes: 1, workers: 1 });
  const api = apiOf(cluster);
  const took: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const waiting = await submit(api, 'system.echo', {});
    await hasEnded(api, waiting);
    await cluster.redis.kill();
    const id = await submit(api, 'system.echo', {});
    await delay(OUTAGE_MS);
    await cluster.redis.restart();
    const backAtMs = performance.now();
    await hasEnded(api, id);
    took.push(performance.now() - backAtMs);
  }
  return [
    row(`a job accepted in an outage of ${OUTAGE_MS / 1000} s has ended after Redis is back`, took, RESUME_GOAL_MS),
  ];
}

/** From the kill of a worker until its job has a new attempt. */
async function rerun(): Promise<readonly Row[]> {
  await using cluster = await startCluster({
    apiNodes: 1,
    workers: 2,
    workerSettings: { NODE_OPTIONS, GUESTKIT_SLOTS: '1' },
  });
  const api = apiOf(cluster);
  const took: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const id = await submit(api, 'chaos.stamp', { holdMs: 8_000, text: 'held' });
    await until('it runs', async () => (await show(api, id)).status === 'running', PATIENT);
    const { worker_id } = await show(api, id);
    const killedAtMs = Date.now();
    await cluster.workers.find(({ name }) => name === worker_id)?.kill();
    await until('it runs again', async () => (await show(api, id)).attempts.length === 2, PATIENT);
    took.push(Date.parse((await show(api, id)).attempts[1]?.started_at ?? '') - killedAtMs);
    await cluster.addWorker();
    await hasEnded(api, id);
  }
  return [row('the job of a killed worker has a new attempt', took, RERUN_GOAL_MS)];
}

/** From FLUSHALL until all jobs are back, under their ids and in their order. */
async function rebuild(): Promise<readonly Row[]> {
  const jobs = Number(values.jobs);
  const found = [rebuildRow('SQLite', await rebuildOn(undefined, jobs), jobs)];
  if (postgresAbsent !== undefined) return found;
  await using postgres = await startPostgres({ settings: { fsync: 'on' } });
  return [...found, rebuildRow('PostgreSQL', await rebuildOn(await postgres.newSchema(), jobs), jobs)];
}

async function rebuildOn(databaseUrl: string | undefined, jobs: number): Promise<number> {
  await using opened = new AsyncDisposableStack();
  const dataDir = await mkdtemp(path.join(tmpdir(), 'gk-bench-'));
  opened.defer(() => rm(dataDir, { recursive: true, force: true }));
  const redis = opened.use(await startRedis());
  const connection = opened.use(await connectRedis(redis.url, { role: 'client' }));
  const onError = (error: Error) => process.stderr.write(`bench: ${error.message}\n`);
  const history = opened.use(await openHistory({ databaseUrl, dataDir, onError }));
  const queue = opened.use(createBullmqQueue({ connection, prefix: 'bench' }));
  const stream = opened.use(new RedisEventStream({ connection, prefix: 'bench' }));
  const epochKey = new RedisQueueEpochKey({ connection, prefix: 'bench' });
  const fence = new RedisFence({ connection, prefix: 'bench' });
  const cancels = new RedisCancelIntents({ connection, prefix: 'bench' });
  const { duties } = createReconciler({ history, queue, stream, epochKey, fence, cancels, onError });
  await acceptAll(history, jobs);
  const stopping = new AbortController();
  const loops = duties.map(async ({ run, everyMs }) => {
    while (!stopping.signal.aborted) {
      await run(stopping.signal).catch(onError);
      await delay(everyMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  });
  opened.defer(async () => {
    stopping.abort();
    await Promise.all(loops);
  });
  const all = async () => (await queue.depth(NAME)).waiting === jobs;
  await until('all are enqueued', all, PATIENT);
  // that of acceptance; those accepted at once by several connections have it from the database
  const order = await queue.waitingIds(NAME, { from: 0, limit: jobs + 1 });
  await connection.client.flushall();
  const flushedAtMs = performance.now();
  await until('all are back', all, PATIENT);
  const tookMs = performance.now() - flushedAtMs;
  await assertOrder(queue, order);
  return tookMs;
}

async function acceptAll(history: JobHistory, jobs: number): Promise<void> {
  const ids = Array.from({ length: jobs }, (_, n) => `job-number-${n}`);
  for (let from = 0; from < jobs; from += 5_000) {
    const documents = ids.slice(from, from + 5_000).map((job_id) => jobDocument({ job_id }));
    await Promise.all(documents.map((document) => history.accept({ ...NAME, document, acceptedAtMs: 0 })));
  }
}

async function assertOrder(queue: JobQueue, order: readonly string[]): Promise<void> {
  const waiting = await queue.waitingIds(NAME, { from: 0, limit: order.length + 1 });
  const misplaced = order.find((id, index) => waiting[index] !== id);
  if (waiting.length !== order.length || misplaced !== undefined) {
    throw new Error(
      `Cannot call it rebuilt: ${waiting.length} wait, expected ${order.length}; out of place: ${misplaced}`,
    );
  }
}

function rebuildRow(database: string, tookMs: number, jobs: number): Row {
  return row(
    `${jobs.toLocaleString('en')} waiting jobs are back after FLUSHALL, from ${database}`,
    [tookMs],
    REBUILD_GOAL_MS,
  );
}

function row(what: string, tookMs: readonly number[], goalMs: number): Row {
  const [middle, worst] = [median(tookMs), Math.max(...tookMs)].map((ms) => `${(ms / 1000).toFixed(1)} s`);
  const figure = tookMs.length === 1 ? `${middle}` : `median ${middle}, worst ${worst} of ${tookMs.length}`;
  process.stderr.write(`bench: ${what}: ${figure}\n`);
  return { what, figure, target: `≤ ${goalMs / 1000} s`, met: Math.max(...tookMs) <= goalMs };
}

interface Shown {
  readonly status: string;
  readonly worker_id: string | null;
  readonly attempts: readonly { readonly started_at: string }[];
}

function apiOf({ apis: [api] }: Cluster): ApiProcess {
  if (api === undefined) throw new Error('Cannot measure: there is no API node');
  return api;
}

async function submit(api: ApiProcess, operation: string, data: object): Promise<string> {
  return (await api.call<{ job_id: string }>('POST', '/api/v1/jobs', { operation, payload: { data } })).job_id;
}

function show(api: ApiProcess, id: string): Promise<Shown> {
  return api.call<Shown>('GET', `/api/v1/jobs/${id}`);
}

async function hasEnded(api: ApiProcess, id: string): Promise<void> {
  await until('it has ended', async () => (await show(api, id)).status === 'completed', PATIENT);
}
