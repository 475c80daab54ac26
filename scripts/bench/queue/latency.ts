import { setTimeout as delay } from 'node:timers/promises';
import { createBullmqQueue } from '@guestkit/core/queue/bullmq-queue';
import { Queue } from 'bullmq';
import { median, quantile } from '../figures.ts';
import { type Child, startChild } from './child.ts';
import { nowMs } from './children/delays.ts';
import { accepted, work } from './jobs.ts';
import { startOurWorker } from './processing.ts';
import { type Finding, millis } from './report.ts';
import { openBoss, openGraphile } from './rivals.ts';
import type { Stage } from './stage.ts';

type Add = (data: Readonly<Record<string, unknown>>) => Promise<unknown>;

/** a6: from the call that adds a job to its first instruction in a worker, while jobs come at a steady pace. */
export async function latencyBesideRaw(stage: Stage): Promise<Finding[]> {
  const pace = { perSecond: 500, count: Math.round(2_500 * stage.scale) };
  await using raw = await openRawContestant(stage);
  await using ours = await openOurContestant(stage);
  const [base, found] = await delaysInTurns(stage.rounds, [raw, ours], pace);
  const row = (id: 'a6 p50' | 'a6 p99', q: number): Finding => {
    const [baseMs, ourMs] = [medianQuantile(base, q), medianQuantile(found, q)];
    return { id, base: millis(baseMs), ours: millis(ourMs), ratio: ourMs / baseMs };
  };
  return [row('a6 p50', 0.5), row('a6 p99', 0.99)];
}

/** b6: the same at a slow pace, where workers sleep in between. */
export async function latencyBesideRivals(stage: Stage): Promise<Finding[]> {
  const pace = { perSecond: 20, count: Math.max(40, Math.round(100 * stage.scale)) };
  await using ours = await openOurContestant(stage);
  await using boss = await openBossContestant(stage);
  await using graphile = await openGraphileContestant(stage);
  const [found, ofBoss, ofGraphile] = await delaysInTurns(stage.rounds, [ours, boss, graphile], pace);
  const row = (id: 'b6 pg-boss' | 'b6 graphile', base: Delays): Finding => {
    const [baseMs, ourMs] = [medianQuantile(base, 0.5), medianQuantile(found, 0.5)];
    return { id, base: millis(baseMs), ours: millis(ourMs), ratio: ourMs / baseMs };
  };
  return [row('b6 pg-boss', ofBoss), row('b6 graphile', ofGraphile)];
}

interface Contestant extends AsyncDisposable {
  readonly worker: Child;
  readonly add: Add;
}

/** By round. */
type Delays = readonly (readonly number[])[];

async function delaysInTurns(
  rounds: number,
  contestants: readonly Contestant[],
  pace: { readonly perSecond: number; readonly count: number },
): Promise<[Delays, Delays, Delays]> {
  const found: number[][][] = contestants.map(() => []);
  // the first round makes everything hot
  for (let round = 0; round <= rounds; round += 1) {
    for (const [index, contestant] of contestants.entries()) {
      const delays = await delaysOf(contestant, pace);
      if (round > 0) found[index]?.push(delays);
    }
  }
  const [first = [], second = [], third = []] = found;
  return [first, second, third];
}

async function delaysOf(
  { worker, add }: Contestant,
  { perSecond, count }: { readonly perSecond: number; readonly count: number },
): Promise<number[]> {
  const start = performance.now();
  const adds: Promise<unknown>[] = [];
  while (adds.length < count) {
    // as many as are due by now: timers are too coarse for one each
    const due = Math.min(count, Math.ceil(((performance.now() - start) / 1000) * perSecond));
    while (adds.length < due) adds.push(add({ n: adds.length, addedAtMs: nowMs() }));
    await delay(1);
  }
  await Promise.all(adds);
  const delays: number[] = [];
  while (delays.length < count) {
    delays.push(...(await worker.ask<number[]>('delays')));
    await delay(20);
  }
  return delays;
}

function medianQuantile(delays: Delays, q: number): number {
  return median(delays.map((each) => quantile(each, q)));
}

async function openRawContestant(stage: Stage): Promise<Contestant> {
  const queue = new Queue('raw', { connection: stage.client, prefix: 'bench' });
  const worker = await startChild('children/raw-worker.ts', { BENCH_REDIS: stage.redisSocket });
  const add: Add = (data) => queue.add('bench.noop', data);
  return { worker, add, [Symbol.asyncDispose]: () => worker[Symbol.asyncDispose]() };
}

async function openOurContestant(stage: Stage): Promise<Contestant> {
  const queue = createBullmqQueue({ connection: stage.connection, prefix: 'ours' });
  const worker = await startOurWorker(stage, 'ours');
  const add: Add = (data) => queue.enqueue(accepted(JSON.stringify(work(0, data))));
  const close = async () => {
    await worker[Symbol.asyncDispose]();
    await queue[Symbol.asyncDispose]();
  };
  return { worker, add, [Symbol.asyncDispose]: close };
}

async function openBossContestant(stage: Stage): Promise<Contestant> {
  const url = await stage.postgres.newDatabase();
  const opened = await openBoss(url);
  const worker = await startChild('children/pg-boss-worker.ts', { DATABASE_URL: url });
  const close = async () => {
    await worker[Symbol.asyncDispose]();
    await opened[Symbol.asyncDispose]();
  };
  return { worker, add: (data) => opened.boss.send('noop', data), [Symbol.asyncDispose]: close };
}

async function openGraphileContestant(stage: Stage): Promise<Contestant> {
  const url = await stage.postgres.newDatabase();
  const opened = await openGraphile(url);
  const worker = await startChild('children/graphile-worker.ts', { DATABASE_URL: url });
  const close = async () => {
    await worker[Symbol.asyncDispose]();
    await opened[Symbol.asyncDispose]();
  };
  return { worker, add: (data) => opened.utils.addJob('noop', data), [Symbol.asyncDispose]: close };
}
