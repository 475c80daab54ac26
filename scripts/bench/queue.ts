// `npm run bench:queue [-- JOBS]`: what a job costs on its way, beside raw BullMQ on the same Redis in the same run.
// Only the ratios mean anything: machines differ, and are noisy.
import { setTimeout as delay } from 'node:timers/promises';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import pLimit from 'p-limit';
import { type Cluster, startCluster } from '../../test/support/cluster.ts';
import { until } from '../../test/support/condition.ts';
import { median, printTable, quantile } from './figures.ts';

const JOBS = Number(process.argv[2] ?? 3000);
const IN_FLIGHT = 50;
const SLOTS = 50;
const ROUNDS = 3;
const LATENCY_JOBS = 200;
const LATENCY_PAUSE_MS = 10;

await using cluster = await startCluster({
  apiNodes: 1,
  workers: 1,
  apiSettings: { GUESTKIT_LOG_LEVEL: 'warn' },
  workerSettings: { GUESTKIT_SLOTS: String(SLOTS), GUESTKIT_LOG_LEVEL: 'warn' },
});
await using raw = openRaw(cluster.redis.url);

const rates = { ours: [] as number[], raw: [] as number[] };
await ourRate(cluster, 200);
for (let round = 0; round < ROUNDS; round += 1) {
  rates.raw.push(await rawRate(JOBS));
  rates.ours.push(await ourRate(cluster, JOBS));
}
const latencies = { raw: await rawLatencies(), ours: await ourLatencies(cluster) };

const [ours, bullmq] = [median(rates.ours), median(rates.raw)];
printTable(`Echo jobs, ${JOBS} a round, ${IN_FLIGHT} in flight, ${ROUNDS} rounds`, [
  row('raw BullMQ, added and processed', `${round(bullmq)} jobs/s`),
  row('POST to result in history, through API, SQL, BullMQ, worker, recorder', `${round(ours)} jobs/s`),
  row('ratio', (ours / bullmq).toFixed(2)),
  row('raw BullMQ, add to start', `p50 ${ms(latencies.raw, 0.5)}, p99 ${ms(latencies.raw, 0.99)}`),
  row('POST received to start', `p50 ${ms(latencies.ours, 0.5)}, p99 ${ms(latencies.ours, 0.99)}`),
]);

interface Raw extends AsyncDisposable {
  readonly queue: Queue;
  readonly started: Map<string, number>;
}

function openRaw(url: string): Raw {
  const connection = new Redis(url.replace(/^unix:/, ''), { maxRetriesPerRequest: null });
  const forWorker = connection.duplicate();
  const queue = new Queue('raw', { connection, prefix: 'bench' });
  const started = new Map<string, number>();
  const worker = new Worker('raw', async (job) => void started.set(job.id ?? '', performance.now()), {
    connection: forWorker,
    prefix: 'bench',
    concurrency: SLOTS,
    removeOnComplete: { count: 1000 },
  });
  const close = async () => {
    await worker.close();
    await queue.close();
    // BullMQ leaves connections open that it was given
    for (const client of [connection, forWorker]) client.disconnect();
  };
  return { queue, started, [Symbol.asyncDispose]: close };
}

async function rawRate(jobs: number): Promise<number> {
  raw.started.clear();
  return rateOf(jobs, async () => {
    await inFlight(jobs, (n) => raw.queue.add('system.echo', { ping: n }, { priority: 6 }));
    await until('raw jobs to end', () => raw.started.size === jobs, { timeoutMs: 120_000 });
  });
}

async function ourRate({ apis: [api] }: Cluster, jobs: number): Promise<number> {
  if (api === undefined) throw new Error('Cannot measure: no API node');
  const label = `r${performance.now()}`;
  return rateOf(jobs, async () => {
    await inFlight(jobs, (n) =>
      api.call('POST', '/api/v1/jobs', {
        operation: 'system.echo',
        metadata: { labels: { round: label } },
        payload: { data: { ping: n } },
      }),
    );
    const route = `/api/v1/jobs?status=completed&label=round%3D${label}&limit=1`;
    await until('jobs to end', async () => (await api.call<{ total: number }>('GET', route)).total === jobs, {
      timeoutMs: 120_000,
    });
  });
}

async function rateOf(jobs: number, work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return jobs / ((performance.now() - start) / 1000);
}

async function inFlight(count: number, add: (n: number) => Promise<unknown>): Promise<void> {
  const limit = pLimit(IN_FLIGHT);
  await Promise.all(Array.from({ length: count }, (_, n) => limit(() => add(n))));
}

async function rawLatencies(): Promise<number[]> {
  const added = new Map<string, number>();
  for (let n = 0; n < LATENCY_JOBS; n += 1) {
    const jobId = `latency-${n}`;
    added.set(jobId, performance.now());
    await raw.queue.add('system.echo', { ping: n }, { jobId, priority: 6 });
    await delay(LATENCY_PAUSE_MS);
  }
  await until('raw jobs to start', () => [...added.keys()].every((jobId) => raw.started.has(jobId)));
  return [...added].map(([jobId, at]) => (raw.started.get(jobId) ?? Number.NaN) - at);
}

/** From the two times of the job's own record: milliseconds are all the precision there is. */
async function ourLatencies({ apis: [api] }: Cluster): Promise<number[]> {
  if (api === undefined) throw new Error('Cannot measure: no API node');
  const ids: string[] = [];
  for (let n = 0; n < LATENCY_JOBS; n += 1) {
    const { job_id } = await api.call<{ job_id: string }>('POST', '/api/v1/jobs', {
      operation: 'system.echo',
      payload: { data: { ping: n } },
    });
    ids.push(job_id);
    await delay(LATENCY_PAUSE_MS);
  }
  const jobs = await Promise.all(
    ids.map(async (id) => {
      let job = { status: '', submitted_at: '', started_at: '' };
      await until(`${id} to end`, async () => {
        job = await api.call('GET', `/api/v1/jobs/${id}`);
        return job.status === 'completed';
      });
      return job;
    }),
  );
  return jobs.map(({ submitted_at, started_at }) => Date.parse(started_at) - Date.parse(submitted_at));
}

function row(what: string, figure: string) {
  return { what, figure, target: '', met: undefined };
}

function ms(values: readonly number[], q: number): string {
  return `${quantile(values, q).toFixed(1)} ms`;
}

function round(value: number): string {
  return Math.round(value).toLocaleString('en');
}
