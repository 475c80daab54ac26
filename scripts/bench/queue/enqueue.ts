import { createBullmqQueue } from '@guestkit/core/queue/bullmq-queue';
import { Queue } from 'bullmq';
import { startChild } from './child.ts';
import { cpuOf } from './cpu.ts';
import { openHttpLoad } from './http-load.ts';
import { accepted, work } from './jobs.ts';
import { inFlight, inTurns, type Measure, measure, totalCpu } from './measure.ts';
import { type Finding, micros, type Omission, perSecond } from './report.ts';
import type { Stage } from './stage.ts';

const WIDTH = 50;
const BATCH = 100;
const BATCHES_AT_ONCE = 4;

/** a1: our client layer and BullMQ's own, both in this process. */
export async function enqueueThroughLayer(stage: Stage): Promise<Finding[]> {
  const jobs = Math.round(20_000 * stage.scale);
  const raw = new Queue('raw', { connection: stage.client, prefix: 'bench' });
  await using ours = createBullmqQueue({ connection: stage.connection, prefix: 'ours' });
  const meters = { node: ownCpu, redis: stage.redisCpu };
  const bodies = Array.from({ length: jobs }, (_, n) => JSON.stringify(work(n)));
  const emptied = async (run: () => Promise<Measure>) => {
    await stage.client.flushall();
    return run();
  };
  const { base, layer } = await inTurns(stage.rounds, {
    base: () =>
      emptied(() => measure(jobs, meters, () => inFlight(WIDTH, jobs, (n) => raw.add('bench.noop', work(n))))),
    layer: () =>
      emptied(() => measure(jobs, meters, () => inFlight(WIDTH, jobs, (n) => ours.enqueue(accepted(bodies[n] ?? ''))))),
  });
  await raw.close();
  return [
    { id: 'a1', base: perSecond(base.rate), ours: perSecond(layer.rate), ratio: layer.rate / base.rate },
    { id: 'a1 cpu', base: cpuText(base), ours: cpuText(layer), ratio: totalCpu(layer) / totalCpu(base) },
  ];
}

/** a2: an API node beside the least server that takes a job. Each is a process; the load comes from this one. */
export async function postJobs(stage: Stage): Promise<(Finding | Omission)[]> {
  const jobs = Math.round(12_000 * stage.scale);
  const key = 'bench-key';
  const shared = { REDIS_URL: stage.redis.url, GUESTKIT_PORT: '0', GUESTKIT_API_KEY: key };
  await using minimal = await startChild('children/minimal-server.ts', { BENCH_REDIS: stage.redisSocket });
  await using sqlite = await startChild('children/our-api.ts', {
    ...shared,
    GUESTKIT_DATA_DIR: await stage.newFolder(),
    GUESTKIT_REDIS_PREFIX: 'sqlite',
  });
  await using pg = await startChild('children/our-api.ts', {
    ...shared,
    DATABASE_URL: await stage.postgres.newSchema(),
    GUESTKIT_DATA_DIR: await stage.newFolder(),
    GUESTKIT_REDIS_PREFIX: 'pg',
  });
  const contestant = async (child: typeof minimal, path: string) => {
    const load = await openHttpLoad({ url: child.ready.url ?? '', path, key }, WIDTH);
    const bodyOf = (n: number) => JSON.stringify(work(n));
    // hot code is what runs all day
    await load.post(Math.max(1000, jobs / 4), bodyOf);
    const meters = { node: () => cpuOf(child.pid), redis: stage.redisCpu, postgres: stage.postgresCpu };
    return { load, run: () => measure(jobs, meters, () => load.post(jobs, bodyOf)) };
  };
  const base = await contestant(minimal, '/jobs');
  const onSqlite = await contestant(sqlite, '/api/v1/jobs');
  const onPg = await contestant(pg, '/api/v1/jobs');
  const measured = await inTurns(stage.rounds, { base: base.run, sqlite: onSqlite.run, pg: onPg.run });
  for (const { load } of [base, onSqlite, onPg]) load[Symbol.dispose]();
  const row = (id: 'a2 sqlite' | 'a2 pg', ours: Measure): Finding => ({
    id,
    base: `${perSecond(measured.base.rate)} (${cpuText(measured.base)})`,
    ours: `${perSecond(ours.rate)} (${cpuText(ours)})`,
    ratio: ours.rate / measured.base.rate,
  });
  const [baseCpu = 0, ourCpu = 0] = [measured.base.cpu.node, measured.sqlite.cpu.node];
  return [
    row('a2 sqlite', measured.sqlite),
    row('a2 pg', measured.pg),
    { id: 'a2 cpu', base: micros(baseCpu), ours: micros(ourCpu), ratio: ourCpu / baseCpu },
  ];
}

/** a3: a hundred at a time, four requests under way, beside four calls of `addBulk`; and beside as many single posts. */
export async function postBatches(stage: Stage): Promise<Finding[]> {
  const jobs = Math.round(20_000 * stage.scale);
  const calls = Math.ceil(jobs / BATCH);
  const raw = new Queue('raw', { connection: stage.client, prefix: 'bench' });
  await using api = await startChild('children/our-api.ts', {
    ...{ REDIS_URL: stage.redis.url, GUESTKIT_PORT: '0', GUESTKIT_DATA_DIR: await stage.newFolder() },
    DATABASE_URL: await stage.postgres.newSchema(),
  });
  const url = api.ready.url ?? '';
  using batches = await openHttpLoad({ url, path: '/api/v1/jobs/batch' }, BATCHES_AT_ONCE);
  using singles = await openHttpLoad({ url, path: '/api/v1/jobs' }, WIDTH);
  const bulk = () => Array.from({ length: BATCH }, (_, n) => ({ name: 'bench.noop', data: work(n) }));
  const batch = () => JSON.stringify(Array.from({ length: BATCH }, (_, n) => work(n)));
  const single = (n: number) => JSON.stringify(work(n));
  await batches.post(20, batch);
  await singles.post(1000, single);
  const { base, ours, alone } = await inTurns(stage.rounds, {
    base: () => measure(calls * BATCH, {}, () => inFlight(BATCHES_AT_ONCE, calls, () => raw.addBulk(bulk()))),
    ours: () => measure(calls * BATCH, {}, () => batches.post(calls, batch)),
    alone: () => measure(jobs / 2, {}, () => singles.post(jobs / 2, single)),
  });
  await raw.close();
  return [
    { id: 'a3', base: perSecond(base.rate), ours: perSecond(ours.rate), ratio: ours.rate / base.rate },
    { id: 'a3 a2', base: perSecond(alone.rate), ours: perSecond(ours.rate), ratio: ours.rate / alone.rate },
  ];
}

export function cpuText({ cpu }: Measure): string {
  return Object.entries(cpu)
    .filter(([, value]) => value >= 0.5)
    .map(([name, value]) => `${name} ${micros(value)}`)
    .join(' + ');
}

function ownCpu(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
