import type { AcceptedJob, JobHistory } from '@guestkit/core/history/job-history';
import { openHistory } from '@guestkit/core/history/open-history';
import { createBullmqQueue } from '@guestkit/core/queue/bullmq-queue';
import type { JobQueue } from '@guestkit/core/queue/job-queue';
import { openHttpLoad } from './http-load.ts';
import { accepted, work } from './jobs.ts';
import { inFlight, type Measure, measure } from './measure.ts';
import { countNewResults } from './new-results.ts';
import { drainPart, startApi, startOurWorker } from './processing.ts';
import { type Finding, perSecond } from './report.ts';
import { sql } from './sql.ts';
import type { Stage } from './stage.ts';

const FEW = 60_000;
const MANY = 1_000_000;
const PORTION = 1000;
const NAME = { tenant: 'default', pool: 'default' };

interface Scene {
  readonly stage: Stage;
  readonly history: JobHistory;
  readonly queue: JobQueue;
  readonly url: string;
}

/** a11 and growth: with few jobs waiting and an empty history, and with a million of each. */
export async function growInDepth(stage: Stage): Promise<Finding[]> {
  const url = await stage.postgres.newSchema();
  await using history = await openHistory({ databaseUrl: url, dataDir: '/tmp', onError: () => {} });
  await using queue = createBullmqQueue({ connection: stage.connection, prefix: 'ours' });
  const scene = { stage, history, queue, url };
  const few = Math.round(FEW * stage.scale);
  const many = Math.round(MANY * stage.scale);
  const empty = { post: await post(scene), recorded: await processRecorded(scene) };
  await fill(scene, 0, few);
  const shallow = await processOnly(scene);
  await fill(scene, few, many);
  const deep = await processOnly(scene);
  await fillHistory(scene, many);
  const full = { post: await post(scene), recorded: await processRecorded(scene) };
  const grown = (id: 'growth post' | 'growth process', before: Measure, after: Measure): Finding => ({
    id,
    base: perSecond(before.rate),
    ours: perSecond(after.rate),
    ratio: before.rate / after.rate,
  });
  return [
    { id: 'a11', base: perSecond(shallow.rate), ours: perSecond(deep.rate), ratio: deep.rate / shallow.rate },
    grown('growth post', empty.post, full.post),
    grown('growth process', empty.recorded, full.recorded),
  ];
}

async function post({ stage, url }: Scene): Promise<Measure> {
  await using api = await startApi(stage, { DATABASE_URL: url });
  using load = await openHttpLoad({ url: api.ready.url ?? '', path: '/api/v1/jobs' }, 50);
  const jobs = Math.round(10_000 * stage.scale);
  const bodyOf = (n: number) => JSON.stringify(work(n));
  await load.post(jobs / 2, bodyOf);
  return await measure(jobs, {}, () => load.post(jobs, bodyOf));
}

/** Jobs so urgent that they overtake all that wait, until they are in history. */
async function processRecorded({ stage, history, queue, url }: Scene): Promise<Measure> {
  const jobs = Math.round(15_000 * stage.scale);
  await using results = await countNewResults({ databaseUrl: url, dataDir: '/tmp' });
  for (let at = 0; at < jobs; at += PORTION) {
    const portion = Array.from({ length: Math.min(PORTION, jobs - at) }, (_, n) => urgent(at + n));
    await Promise.all(portion.map((job) => history.accept(job)));
    await queue.enqueueAll(portion);
    await history.markEnqueued(
      NAME.tenant,
      portion.map(({ document }) => document.job_id),
    );
  }
  await using _api = await startApi(stage, { DATABASE_URL: url });
  await using _worker = await startOurWorker(stage, 'ours');
  return await drainPart(jobs, {}, () => results.count(), 100);
}

async function processOnly({ stage, queue }: Scene): Promise<Measure> {
  const jobs = Math.round(20_000 * stage.scale);
  const left = async () => {
    const { waiting, active } = await queue.depth(NAME);
    return waiting + active;
  };
  const before = await left();
  await using _worker = await startOurWorker(stage, 'ours');
  return await drainPart(jobs, {}, async () => before - (await left()));
}

function urgent(n: number): AcceptedJob {
  const job = accepted(JSON.stringify(work(n)));
  return { ...job, document: { ...job.document, execution: { ...job.document.execution, priority: 10 } } };
}

async function fill({ queue }: Scene, from: number, to: number): Promise<void> {
  const sample = accepted(JSON.stringify(work(0)));
  const named = (n: number) => ({ ...sample, document: { ...sample.document, job_id: fillerId(n) } });
  await inFlight(4, Math.ceil((to - from) / PORTION), (part) => {
    const at = from + part * PORTION;
    return queue.enqueueAll(Array.from({ length: Math.min(PORTION, to - at) }, (_, n) => named(at + n)));
  });
}

/** As many waiting jobs as the queue has, and as many that ended: one of each, multiplied by the database itself. */
async function fillHistory({ url }: Scene, rows: number): Promise<void> {
  await sql(
    url,
    `do $$ declare columns text; begin
      select string_agg(quote_ident(column_name), ',') into columns from information_schema.columns
        where table_schema = current_schema() and table_name = 'jobs' and column_name not in ('id', 'job_id');
      execute format('insert into jobs (job_id, %s) select ''${FILLER}'' || n, %s from (select * from jobs
        where status = ''pending'' and id not in (select job from outbox) limit 1) sample, generate_series(0, ${rows - 1}) n on conflict do nothing', columns, columns);
      execute format('insert into jobs (job_id, %s) select ''job-past-'' || n, %s from (select * from jobs
        where status = ''completed'' limit 1) sample, generate_series(0, ${rows - 1}) n', columns, columns);
    end $$; analyze jobs`,
  );
}

const FILLER = 'job-fill-';

function fillerId(n: number): string {
  return `${FILLER}${n}`;
}
