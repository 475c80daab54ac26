import { createBullmqQueue } from '@guestkit/core/queue/bullmq-queue';
import { Queue } from 'bullmq';
import { until } from '../../../test/support/condition.ts';
import { type Child, startChild } from './child.ts';
import { accepted, work } from './jobs.ts';
import { inTurns } from './measure.ts';
import { drainRaw } from './processing.ts';
import { type Finding, perSecond, seconds } from './report.ts';
import type { Stage } from './stage.ts';

/** Long enough to be killed within, and to outlast BullMQ's default lock. */
const HOLD_MS = 300_000;
const NAME = { tenant: 'default', pool: 'default' };
/** Those of our worker, see docs/configuration.md. */
const OUR_LOCKS = { lockDuration: 2_500, stalledInterval: 1_000 };

/** a7: of two workers the one that has the job is killed; timed is until the other begins it. Both contests run at once: they only wait. */
export async function recoveryFromKill(stage: Stage): Promise<Finding[]> {
  const [base, ours] = await Promise.all([rawRecovery(stage), ourRecovery(stage)]);
  const jobs = Math.round(20_000 * stage.scale);
  const { free, locked } = await inTurns(stage.rounds, {
    free: () => drainRaw(stage, jobs),
    locked: () => drainRaw(stage, jobs, OUR_LOCKS),
  });
  return [
    { id: 'a7', base: seconds(base), ours: seconds(ours), ratio: base / ours },
    { id: 'a7 ours', base: '', ours: seconds(ours), ratio: ours / 1000 },
    { id: 'a7 cost', base: perSecond(free.rate), ours: perSecond(locked.rate), ratio: locked.rate / free.rate },
  ];
}

async function rawRecovery(stage: Stage): Promise<number> {
  const queue = new Queue('raw', { connection: stage.client, prefix: 'bench' });
  const start = () => startChild('children/raw-worker.ts', { BENCH_REDIS: stage.redisSocket, BENCH_SLOTS: '1' });
  await queue.add('bench.hold', { holdMs: HOLD_MS });
  const starts = async () => Number((await stage.client.hget('bench:raw:1', 'ats')) ?? 0);
  const tookMs = await timeSecondStart(start, starts);
  await queue.close();
  return tookMs;
}

async function ourRecovery(stage: Stage): Promise<number> {
  await using queue = createBullmqQueue({ connection: stage.connection, prefix: 'ours' });
  const folder = await stage.newFolder();
  const start = () =>
    startChild('children/holding-worker.ts', {
      ...{ REDIS_URL: stage.redis.url, GUESTKIT_REDIS_PREFIX: 'ours', GUESTKIT_DATA_DIR: folder },
      ...{ GUESTKIT_SLOTS: '1', GUESTKIT_METRICS_PORT: '0', GUESTKIT_DRAIN_MS: '0' },
    });
  const job = accepted(JSON.stringify({ ...work(0), operation: 'test.spin' }));
  await queue.enqueue(job);
  const starts = async () =>
    Number((await stage.client.hget(`ours:{default}:${NAME.pool}:${job.document.job_id}`, 'ats')) ?? 0);
  return await timeSecondStart(start, starts);
}

async function timeSecondStart(start: () => Promise<Child>, starts: () => Promise<number>): Promise<number> {
  await using victim = await start();
  await until('the job to begin', async () => (await starts()) === 1, { timeoutMs: 60_000 });
  await using _heir = await start();
  await victim.kill();
  const killedAt = performance.now();
  await until('the job to begin again', async () => (await starts()) === 2, { timeoutMs: 120_000 });
  return performance.now() - killedAt;
}
