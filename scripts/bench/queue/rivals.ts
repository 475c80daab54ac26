import { createBullmqQueue } from '@guestkit/core/queue/bullmq-queue';
import { createPostgresBackend, Queue } from 'bullmq';
import { makeWorkerUtils, type WorkerUtils } from 'graphile-worker';
import { PgBoss } from 'pg-boss';
import { until } from '../../../test/support/condition.ts';
import { startChild } from './child.ts';
import { cpuOf } from './cpu.ts';
import { accepted, work } from './jobs.ts';
import { inFlight, inTurns, type Measure, measure } from './measure.ts';
import { drainOurs } from './processing.ts';
import { type Finding, perSecond } from './report.ts';
import type { Stage } from './stage.ts';

const WIDTH = 50;
const BATCH = 100;

interface Rivals extends AsyncDisposable {
  readonly boss: PgBoss;
  readonly graphile: WorkerUtils;
  readonly bullmqPg: Queue;
}

/** b1 and b2: our client layer beside queues that live in PostgreSQL. */
export async function enqueueBesideRivals(stage: Stage): Promise<Finding[]> {
  await using rivals = await openRivals(stage);
  await using ours = createBullmqQueue({ connection: stage.connection, prefix: 'ours' });
  const many = Math.round(15_000 * stage.scale);
  const few = Math.max(500, Math.round(2_000 * stage.scale));
  const { boss, graphile, bullmqPg } = rivals;
  const one = (count: number, add: (n: number) => Promise<unknown>) => () =>
    measure(count, {}, () => inFlight(WIDTH, count, add));
  const batches = (count: number, add: (n: number) => Promise<unknown>) => () =>
    measure(count * BATCH, {}, () => inFlight(1, count, add));
  const hundred = () => Array.from({ length: BATCH }, (_, n) => work(n));
  const rates = await inTurns(stage.rounds, {
    ours: one(many, (n) => ours.enqueue(accepted(JSON.stringify(work(n))))),
    boss: one(few, (n) => boss.send('noop', work(n))),
    graphile: one(few, (n) => graphile.addJob('noop', work(n))),
    bullmqPg: one(few, (n) => bullmqPg.add('noop', work(n))),
    ourBatches: batches(few / 10, () => ours.enqueueAll(hundred().map((each) => accepted(JSON.stringify(each))))),
    bossBatches: batches(few / 10, () =>
      boss.insert(
        'noop',
        hundred().map((data) => ({ data })),
      ),
    ),
    graphileBatches: batches(few / 10, () =>
      graphile.addJobs(hundred().map((payload) => ({ identifier: 'noop', payload }))),
    ),
  });
  const { ours: single, ourBatches } = rates;
  return [
    compared('b1 pg-boss', rates.boss, single),
    compared('b1 graphile', rates.graphile, single),
    compared('b1 bullmq-pg', rates.bullmqPg, single),
    compared('b2 pg-boss', rates.bossBatches, ourBatches),
    compared('b2 graphile', rates.graphileBatches, ourBatches),
  ];
}

/** b3: a worker of ours with all that it tells beside graphile-worker. */
export async function processBesideGraphile(stage: Stage): Promise<Finding[]> {
  const jobs = Math.round(20_000 * stage.scale);
  const { ours, graphile } = await inTurns(stage.rounds, {
    ours: () => drainOurs(stage, jobs),
    graphile: () => drainGraphile(stage, Math.max(1000, Math.round(jobs / 4))),
  });
  return [compared('b3', graphile, ours)];
}

async function drainGraphile(stage: Stage, jobs: number): Promise<Measure> {
  const url = await stage.postgres.newDatabase();
  await using graphile = await openGraphile(url);
  await graphile.utils.addJobs(Array.from({ length: jobs }, (_, n) => ({ identifier: 'noop', payload: work(n) })));
  await using worker = await startChild('children/graphile-worker.ts', { DATABASE_URL: url });
  const left = async () => {
    const { rows } = await graphile.utils.withPgClient((client) =>
      client.query<{ left: string }>('select count(*) as left from graphile_worker._private_jobs'),
    );
    return Number(rows[0]?.left);
  };
  await until('graphile-worker to begin', async () => (await left()) < jobs * 0.9, { timeoutMs: 60_000 });
  const from = await left();
  return await measure(from, { node: () => cpuOf(worker.pid) }, () =>
    until('graphile-worker to end', async () => (await left()) === 0, { timeoutMs: 120_000 }),
  );
}

function compared(id: Finding['id'], base: Measure, ours: Measure): Finding {
  return { id, base: perSecond(base.rate), ours: perSecond(ours.rate), ratio: ours.rate / base.rate };
}

export async function openGraphile(url: string) {
  const utils = await makeWorkerUtils({ connectionString: url });
  await utils.migrate();
  return { utils, [Symbol.asyncDispose]: async () => void (await utils.release()) };
}

export async function openBoss(url: string) {
  const boss = new PgBoss({ connectionString: url, useListenNotify: true });
  boss.on('error', () => {});
  await boss.start();
  await boss.createQueue('noop', { notify: true });
  return { boss, [Symbol.asyncDispose]: () => boss.stop({ graceful: false }) };
}

async function openRivals(stage: Stage): Promise<Rivals> {
  await using opened = new AsyncDisposableStack();
  const { boss } = opened.use(await openBoss(await stage.postgres.newDatabase()));
  const { utils } = opened.use(await openGraphile(await stage.postgres.newDatabase()));
  const bullmqPg = new Queue(
    'rival',
    { connection: { connectionString: await stage.postgres.newDatabase(), migrate: true } as never },
    createPostgresBackend as never,
  );
  opened.defer(() => bullmqPg.close());
  await bullmqPg.waitUntilReady();
  const resources = opened.move();
  return { boss, graphile: utils, bullmqPg, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}
