import { readdirSync, statSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { JobHistory } from '@guestkit/core/history/job-history';
import { openHistory } from '@guestkit/core/history/open-history';
import { type Cluster, startCluster } from '../../../test/support/cluster.ts';
import { until } from '../../../test/support/condition.ts';
import { work } from './jobs.ts';
import type { Finding } from './report.ts';
import type { Stage } from './stage.ts';

const PER_SECOND = 200;
const OUTAGE_MS = 1_000;
const KILLS = 3;
const TENANT = 'default';
/** What a power cut may take of an append-only file that is synced every second. */
const LOST_MS = 1_000;

/** d1 and d3: Redis is killed three times under load, and started again. */
export async function killRedis(stage: Stage): Promise<Finding[]> {
  await using cluster = await startCluster({ workers: 2, workerSettings: { GUESTKIT_SLOTS: '4' } });
  await using history = await historyOf(cluster);
  await using load = postSteadily(cluster);
  const resumedMs: number[] = [];
  for (let kill = 0; kill < KILLS; kill += 1) {
    await delay(4_000 * stage.scale);
    await cluster.redis.kill();
    await delay(OUTAGE_MS);
    await cluster.redis.restart();
    resumedMs.push(await untilNextEnd(history));
  }
  const { lost, twice, again, acknowledged } = await reckon(history, await load.stop());
  const slowest = Math.max(...resumedMs);
  return [
    { id: 'd1 lost', base: '', ours: `${lost} of ${acknowledged}`, ratio: lost },
    { id: 'd1 twice', base: '', ours: `${twice} (run again: ${again})`, ratio: twice },
    { id: 'd3', base: '', ours: resumedMs.map((ms) => (ms / 1000).toFixed(2)).join(', '), ratio: slowest / 1000 },
  ];
}

/** d2: the same as a power cut would leave it: the last second of the append-only file is gone. */
export async function cutPower(stage: Stage): Promise<Finding[]> {
  await using cluster = await startCluster({ workers: 2, workerSettings: { GUESTKIT_SLOTS: '4' } });
  await using history = await historyOf(cluster);
  await using load = postSteadily(cluster);
  await delay(5_000 * stage.scale);
  const file = appendOnlyFile(cluster);
  const sizeBefore = statSync(file).size;
  await delay(LOST_MS);
  await cluster.redis.kill();
  truncateSync(file, sizeBefore);
  await delay(OUTAGE_MS);
  await cluster.redis.restart();
  await delay(5_000 * stage.scale);
  const { lost, twice, again, acknowledged } = await reckon(history, await load.stop());
  return [
    { id: 'd2 lost', base: '', ours: `${lost} of ${acknowledged}`, ratio: lost },
    { id: 'd2 twice', base: '', ours: `${twice} (run again: ${again})`, ratio: twice },
  ];
}

interface Load extends AsyncDisposable {
  /** Ids of the jobs that were acknowledged. */
  stop(): Promise<readonly string[]>;
}

/** Posts at a steady pace whatever happens; only what is answered counts. */
function postSteadily({ apis: [api] }: Cluster): Load {
  if (api === undefined) throw new Error('Cannot measure: no API node');
  const acknowledged: string[] = [];
  const stopping = new AbortController();
  const posts = new Set<Promise<void>>();
  const post = async (n: number) => {
    const body = { ...work(n), operation: 'system.echo' };
    const { job_id } = await api.call<{ job_id: string }>('POST', '/api/v1/jobs', body);
    acknowledged.push(job_id);
  };
  const run = async () => {
    for (let n = 0; !stopping.signal.aborted; n += 1) {
      // refused or broken off: not acknowledged
      const posting: Promise<void> = post(n).catch(() => {});
      posts.add(posting);
      posting.finally(() => posts.delete(posting));
      await delay(1000 / PER_SECOND);
    }
    await Promise.all(posts);
  };
  const running = run();
  const stop = async () => {
    stopping.abort();
    await running;
    return acknowledged;
  };
  return { stop, [Symbol.asyncDispose]: async () => void (await stop()) };
}

interface Reckoning {
  readonly acknowledged: number;
  /** Acknowledged jobs that history does not have as completed, a minute after the last. */
  readonly lost: number;
  /** Jobs with more than one attempt that completed. */
  readonly twice: number;
  /** Jobs that needed more than one attempt. */
  readonly again: number;
}

async function reckon(history: JobHistory, ids: readonly string[]): Promise<Reckoning> {
  const statusOf = async (id: string) => (await history.find(TENANT, id))?.status;
  let open: readonly string[] = ids;
  const allCompleted = async () => {
    const states = await Promise.all(open.map(statusOf));
    open = open.filter((_id, index) => states[index] !== 'completed');
    return open.length === 0;
  };
  await until('all jobs to complete', allCompleted, { timeoutMs: 60_000, everyMs: 200 }).catch(() => {});
  const attempts = await Promise.all(ids.map((id) => history.attempts(TENANT, id)));
  const completions = attempts.map((each) => each.filter(({ outcome }) => outcome === 'completed').length);
  return {
    acknowledged: ids.length,
    lost: open.length,
    twice: completions.filter((count) => count > 1).length,
    again: attempts.filter(({ length }) => length > 1).length,
  };
}

/** How long until one more job has ended than had before. */
async function untilNextEnd(history: JobHistory): Promise<number> {
  const startedMs = performance.now();
  const since = new Date().toISOString();
  const endedSince = async () => {
    const { jobs } = await history.list({ tenant: TENANT, status: ['completed'] }, { limit: 200 });
    return jobs.some(({ completed_at }) => completed_at !== null && completed_at > since);
  };
  await until('a job to end', endedSince, { timeoutMs: 60_000 });
  return performance.now() - startedMs;
}

function historyOf({ folder }: Cluster): Promise<JobHistory> {
  return openHistory({ databaseUrl: undefined, dataDir: folder, onError: () => {} });
}

function appendOnlyFile({ redis }: Cluster): string {
  const folder = path.join(path.dirname(redis.url.replace('unix:', '')), 'appendonlydir');
  const name = readdirSync(folder).find((each) => each.includes('.incr.'));
  if (name === undefined) throw new Error(`Cannot cut the append-only file: there is none in "${folder}"`);
  return path.join(folder, name);
}
