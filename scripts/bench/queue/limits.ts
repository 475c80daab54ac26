import { execFile } from 'node:child_process';
import { rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { openHistory } from '@guestkit/core/history/open-history';
import { createBullmqQueue } from '@guestkit/core/queue/bullmq-queue';
import { median } from '../figures.ts';
import { accepted, work } from './jobs.ts';
import { inFlight, type Measure, measure } from './measure.ts';
import { drainOurs } from './processing.ts';
import { type Finding, micros, perSecond } from './report.ts';
import { sql } from './sql.ts';
import type { Stage } from './stage.ts';

const run = promisify(execFile);
const WIDTH = 50;
const WRITERS = 1000;

/** c1 to c3: what a job costs Redis beside the least that a script can cost it. */
export async function besideBareScript(stage: Stage): Promise<Finding[]> {
  const jobs = Math.round(20_000 * stage.scale);
  const rounds = await inRounds(stage.rounds, async () => ({
    bare: await bareScript(stage, jobs * 4),
    enqueue: await enqueueCounted(stage, jobs),
    process: await processCounted(stage, jobs),
  }));
  const bareCpu = median(rounds.map(({ bare }) => bare.cpu.redis ?? 0));
  const bareRate = median(rounds.map(({ bare }) => bare.rate));
  const cpu = median(
    rounds.map(({ enqueue, process }) => (enqueue.measure.cpu.redis ?? 0) + (process.measure.cpu.redis ?? 0)),
  );
  const rate = median(rounds.map(({ enqueue }) => enqueue.measure.rate));
  const [enqueued, processed] = [
    median(rounds.map(({ enqueue }) => enqueue.scripts)),
    median(rounds.map(({ process }) => process.scripts)),
  ];
  return [
    { id: 'c1', base: micros(bareCpu), ours: micros(cpu), ratio: cpu / bareCpu },
    { id: 'c2 enqueue', base: '', ours: enqueued.toFixed(3), ratio: rounded(enqueued) },
    { id: 'c2 process', base: '', ours: processed.toFixed(3), ratio: rounded(processed) },
    { id: 'c3', base: perSecond(bareRate), ours: perSecond(rate), ratio: rate / bareRate },
  ];
}

/** c4: accepting jobs, whose rows are the largest of history, beside COPY of the very same rows into the same table. */
export async function besideCopy(stage: Stage): Promise<Finding[]> {
  const jobs = Math.round(40_000 * stage.scale);
  const url = await stage.postgres.newSchema();
  await using history = await openHistory({ databaseUrl: url, dataDir: '/tmp', onError: () => {} });
  const file = path.join(await stage.newFolder(), 'jobs.copy');
  const rates: { ours: number; copy: number }[] = [];
  for (let round = 0; round < stage.rounds; round += 1) {
    await sql(url, 'truncate jobs cascade');
    const batch = Array.from({ length: jobs }, (_, n) => accepted(JSON.stringify(work(n))));
    const ours = await measure(jobs, {}, () => inFlight(WRITERS, jobs, (n) => history.accept(batch[n] as never)));
    await sql(url, `\\copy jobs to '${file}'`);
    await sql(url, 'truncate jobs cascade');
    const copy = await measure(jobs, {}, () => sql(url, `\\copy jobs from '${file}'`));
    if ((await stat(file)).size === 0) throw new Error('Cannot measure: nothing was copied');
    await rm(file);
    rates.push({ ours: ours.rate, copy: copy.rate });
  }
  const [copy, ours] = [median(rates.map((each) => each.copy)), median(rates.map((each) => each.ours))];
  return [{ id: 'c4', base: perSecond(copy), ours: perSecond(ours), ratio: ours / copy }];
}

async function bareScript(stage: Stage, calls: number): Promise<Measure> {
  const sha = String(await stage.client.script('LOAD', 'return 1'));
  const args = ['-s', stage.redisSocket, '-c', String(WIDTH), '-n', String(calls), '-q', 'evalsha', sha, '0'];
  return await measure(calls, { redis: stage.redisCpu }, () => run('redis-benchmark', args));
}

interface Counted {
  readonly measure: Measure;
  /** EVALSHA per job. */
  readonly scripts: number;
}

async function enqueueCounted(stage: Stage, jobs: number): Promise<Counted> {
  await stage.client.flushall();
  await using queue = createBullmqQueue({ connection: stage.connection, prefix: 'ours' });
  await queue.enqueue(accepted(JSON.stringify(work(0))));
  return await counted(stage, jobs, () =>
    measure(jobs, { redis: stage.redisCpu }, () =>
      inFlight(WIDTH, jobs, (n) => queue.enqueue(accepted(JSON.stringify(work(n))))),
    ),
  );
}

async function processCounted(stage: Stage, jobs: number): Promise<Counted> {
  return await counted(stage, jobs, () => drainOurs(stage, jobs, { afterLoading: () => resetCounts(stage) }));
}

async function counted(stage: Stage, jobs: number, work: () => Promise<Measure>): Promise<Counted> {
  await resetCounts(stage);
  const measured = await work();
  const text = await stage.client.info('commandstats');
  const calls = Number(/cmdstat_evalsha:calls=(\d+)/.exec(text)?.[1] ?? 0);
  return { measure: measured, scripts: calls / jobs };
}

async function resetCounts({ client }: Stage): Promise<void> {
  await client.config('RESETSTAT');
}

async function inRounds<Result>(rounds: number, work: () => Promise<Result>): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (let round = 0; round < rounds; round += 1) results.push(await work());
  return results;
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
