import { openHistory } from '@guestkit/core/history/open-history';
import { createBullmqQueue } from '@guestkit/core/queue/bullmq-queue';
import { Queue } from 'bullmq';
import { until } from '../../../test/support/condition.ts';
import { startChild } from './child.ts';
import { cpuOf } from './cpu.ts';
import { cpuText } from './enqueue.ts';
import { accepted, work } from './jobs.ts';
import { inTurns, type Measure, type Meters, perJob, readAll, totalCpu } from './measure.ts';
import { countNewResults } from './new-results.ts';
import { type Finding, perSecond } from './report.ts';
import type { Stage } from './stage.ts';

const SLOTS = 50;
/** Of the jobs: until then code becomes hot, and from then on the last ones trickle. */
const WARM = 0.2;
const NEARLY_DONE = 0.97;
const PORTION = 1000;

/** a4: a worker of ours beside one of BullMQ's that does nothing else; both find their jobs waiting. */
export async function processJobs(stage: Stage): Promise<Finding[]> {
  const jobs = Math.round(30_000 * stage.scale);
  const { base, ours } = await inTurns(stage.rounds, {
    base: () => drainRaw(stage, jobs),
    ours: () => drainOurs(stage, jobs),
  });
  return [
    { id: 'a4', base: perSecond(base.rate), ours: perSecond(ours.rate), ratio: ours.rate / base.rate },
    { id: 'a4 cpu', base: cpuText(base), ours: cpuText(ours), ratio: totalCpu(ours) / totalCpu(base) },
  ];
}

/** a5: the same until history says so: an API node records what the worker tells. */
export async function processIntoHistory(stage: Stage): Promise<Finding[]> {
  const jobs = Math.round(20_000 * stage.scale);
  const { base, pg, sqlite } = await inTurns(stage.rounds, {
    base: () => drainRaw(stage, jobs),
    pg: async () => drainIntoHistory(stage, jobs, await stage.postgres.newSchema()),
    sqlite: () => drainIntoHistory(stage, jobs, undefined),
  });
  const row = (id: 'a5 pg' | 'a5 sqlite', ours: Measure): Finding => ({
    id,
    base: `${perSecond(base.rate)} (${cpuText(base)})`,
    ours: `${perSecond(ours.rate)} (${cpuText(ours)})`,
    ratio: ours.rate / base.rate,
  });
  return [row('a5 pg', pg), row('a5 sqlite', sqlite)];
}

/** Adds so many jobs for a raw worker, and times one that takes them. */
export async function drainRaw(stage: Stage, jobs: number, options: object = {}): Promise<Measure> {
  await stage.client.flushall();
  const queue = new Queue('raw', { connection: stage.client, prefix: 'bench' });
  for (let at = 0; at < jobs; at += PORTION) {
    const portion = Math.min(PORTION, jobs - at);
    await queue.addBulk(Array.from({ length: portion }, (_, n) => ({ name: 'bench.noop', data: work(at + n) })));
  }
  await using worker = await startChild('children/raw-worker.ts', {
    BENCH_REDIS: stage.redisSocket,
    BENCH_SLOTS: String(SLOTS),
    BENCH_OPTIONS: JSON.stringify(options),
  });
  const left = async () => (await queue.getWaitingCount()) + (await queue.getActiveCount());
  const meters = { node: () => cpuOf(worker.pid), redis: stage.redisCpu };
  const measured = await drainPart(jobs, meters, async () => jobs - (await left()));
  await queue.close();
  return measured;
}

export async function drainOurs(
  stage: Stage,
  jobs: number,
  { afterLoading = async () => {} }: { readonly afterLoading?: () => Promise<void> } = {},
): Promise<Measure> {
  await stage.client.flushall();
  await using queue = createBullmqQueue({ connection: stage.connection, prefix: 'ours' });
  for (let at = 0; at < jobs; at += PORTION) await queue.enqueueAll(acceptedJobs(at, Math.min(PORTION, jobs - at)));
  await afterLoading();
  await using worker = await startOurWorker(stage, 'ours');
  const meters = { node: () => cpuOf(worker.pid), redis: stage.redisCpu };
  return await drainPart(jobs, meters, async () => {
    const { waiting, active } = await queue.depth({ tenant: 'default', pool: 'default' });
    return jobs - waiting - active;
  });
}

export async function startOurWorker(stage: Stage, prefix: string) {
  return startChild('children/our-worker.ts', {
    REDIS_URL: stage.redis.url,
    GUESTKIT_REDIS_PREFIX: prefix,
    GUESTKIT_DATA_DIR: await stage.newFolder(),
    GUESTKIT_SLOTS: String(SLOTS),
    GUESTKIT_METRICS_PORT: '0',
    GUESTKIT_WORKER_ID: 'bench-worker',
  });
}

export async function startApi(stage: Stage, settings: Readonly<Record<string, string>>) {
  return startChild('children/our-api.ts', {
    ...{ REDIS_URL: stage.redis.url, GUESTKIT_PORT: '0', GUESTKIT_REDIS_PREFIX: 'ours' },
    GUESTKIT_DATA_DIR: await stage.newFolder(),
    ...settings,
  });
}

function acceptedJobs(from: number, count: number) {
  return Array.from({ length: count }, (_, n) => accepted(JSON.stringify(work(from + n))));
}

async function drainIntoHistory(stage: Stage, jobs: number, databaseUrl: string | undefined): Promise<Measure> {
  await stage.client.flushall();
  const dataDir = await stage.newFolder();
  await using history = await openHistory({ databaseUrl, dataDir, onError: () => {} });
  await using results = await countNewResults({ databaseUrl, dataDir });
  await using queue = createBullmqQueue({ connection: stage.connection, prefix: 'ours' });
  for (let at = 0; at < jobs; at += PORTION) {
    const portion = acceptedJobs(at, Math.min(PORTION, jobs - at));
    await Promise.all(portion.map((job) => history.accept(job)));
    await queue.enqueueAll(portion);
    await history.markEnqueued(
      'default',
      portion.map(({ document }) => document.job_id),
    );
  }
  await using api = await startApi(stage, {
    GUESTKIT_DATA_DIR: dataDir,
    ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }),
  });
  await using worker = await startOurWorker(stage, 'ours');
  const meters: Meters = {
    worker: () => cpuOf(worker.pid),
    api: () => cpuOf(api.pid),
    redis: stage.redisCpu,
    postgres: stage.postgresCpu,
  };
  return await drainPart(jobs, meters, () => results.count(), 50);
}

/** From when a part of the jobs is done until nearly all are. */
export async function drainPart(
  jobs: number,
  meters: Meters,
  done: () => Promise<number>,
  everyMs = 5,
): Promise<Measure> {
  const passed = async (share: number) => {
    let count = 0;
    const isPassed = async () => {
      count = await done();
      return count >= jobs * share;
    };
    await until(`${share * 100} % of the jobs to be done`, isPassed, { timeoutMs: 300_000, everyMs });
    return { count, atMs: performance.now(), cpu: readAll(meters) };
  };
  const start = await passed(WARM);
  const end = await passed(NEARLY_DONE);
  const counted = end.count - start.count;
  return { rate: counted / ((end.atMs - start.atMs) / 1000), cpu: perJob(counted, start.cpu, end.cpu) };
}
