import { type RawBuilder, sql, type Transaction } from 'kysely';
import type { JobEvent } from '../job/event.ts';
import type { AttemptRecord } from './job-history.ts';
import {
  JOB_COLUMNS,
  type JobRowWithoutResult,
  toAttemptRow,
  toEventRow,
  toResultRow,
  toStanding,
  toStandingColumns,
} from './rows.ts';
import type { AttemptRow, HistorySchema } from './schema.ts';
import type { JobsQuery, SqlFlavour } from './sql-flavour.ts';
import { applyEvent, type Standing } from './standing.ts';

/** Of the progress of a job the newest are kept: these, and up to a hundred more until the next look. */
const KEPT_PROGRESS = 1_000;
const TRIM_EVERY = 100;

interface Change {
  readonly job: number;
  readonly after: Standing;
  /** Those that are new or have changed. */
  readonly attempts: readonly AttemptRecord[];
  /** Those that were not refused. */
  readonly events: readonly JobEvent[];
}

/** Writes events and what they change. Events of unknown jobs are passed over: there is nothing to tell them of. */
export async function writeEvents(
  trx: Transaction<HistorySchema>,
  events: readonly JobEvent[],
  flavour: SqlFlavour,
): Promise<void> {
  for (const [tenant, ofTenant] of Map.groupBy(events, (event) => event.tenant)) {
    // others that write of the same jobs wait here, and then see what we have written
    const rows = await flavour.hold(jobsOf(trx, tenant, ofTenant)).execute();
    const attempts = Map.groupBy(await readAttempts(trx, rows), ({ job }) => job);
    const ofJob = Map.groupBy(ofTenant, (event) => event.job_id);
    const changes = rows
      .map((row) => changeOf(row, attempts.get(row.id) ?? [], ofJob.get(row.job_id) ?? []))
      .filter(({ events }) => events.length > 0);
    await insertEvents(trx, changes);
    await writeStandings(trx, changes);
    await insertResults(trx, changes);
    await writeAttempts(trx, changes);
    for (const change of changes) await trimProgress(trx, change);
  }
}

function jobsOf(
  trx: Transaction<HistorySchema>,
  tenant: string,
  events: readonly JobEvent[],
): JobsQuery<JobRowWithoutResult> {
  const jobIds = [...new Set(events.map((event) => event.job_id))];
  return (
    trx
      .selectFrom('jobs')
      .select(JOB_COLUMNS)
      .where('tenant', '=', tenant)
      .where('job_id', 'in', jobIds)
      // two that hold rows in the same order do not wait for each other
      .orderBy('id')
  );
}

async function readAttempts(
  trx: Transaction<HistorySchema>,
  rows: readonly JobRowWithoutResult[],
): Promise<AttemptRow[]> {
  const started = rows.filter(({ attempt }) => attempt > 0).map(({ id }) => id);
  if (started.length === 0) return [];
  return trx.selectFrom('attempts').selectAll().where('job', 'in', started).orderBy('attempt').execute();
}

function changeOf(row: JobRowWithoutResult, attempts: readonly AttemptRow[], events: readonly JobEvent[]): Change {
  const before = toStanding(row, attempts);
  let after = before;
  const accepted: JobEvent[] = [];
  for (const event of events) {
    const next = applyEvent(after, event);
    if (next !== after) accepted.push(event);
    after = next;
  }
  const changed = after.attempts.filter((attempt) => !before.attempts.includes(attempt));
  return { job: row.id, after, attempts: changed, events: accepted };
}

async function insertEvents(trx: Transaction<HistorySchema>, changes: readonly Change[]): Promise<void> {
  const rows = changes.flatMap(({ job, events }) => events.map((event) => toEventRow(job, event)));
  if (rows.length === 0) return;
  await trx
    .insertInto('events')
    .values(rows)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** One statement for all: the database may be far away. */
async function writeStandings(trx: Transaction<HistorySchema>, changes: readonly Change[]): Promise<void> {
  if (changes.length === 0) return;
  const rows = changes.map(({ job, after }) => toStandingValues(job, after));
  await sql`
    with news (id, attempt, last_sequence, duration_ms, status, detail, worker_id, started_at, completed_at, error, error_code, result)
      as (values ${sql.join(rows)})
    update jobs set
      attempt = news.attempt, last_sequence = news.last_sequence, status = news.status, detail = news.detail,
      worker_id = news.worker_id, started_at = news.started_at, completed_at = news.completed_at,
      duration_ms = news.duration_ms, error = news.error, error_code = news.error_code,
      result = coalesce(news.result, jobs.result)
    from news where jobs.id = news.id`.execute(trx);
}

function toStandingValues(job: number, standing: Standing): RawBuilder<unknown> {
  const { attempt, last_sequence, duration_ms, status, detail, worker_id, ...rest } = toStandingColumns(standing);
  const { started_at, completed_at, error, error_code, result } = rest;
  // a list of values has no columns to take its types from
  const numbers = [job, attempt, last_sequence, duration_ms].map((number) => sql`cast(${number} as bigint)`);
  const texts = [status, detail, worker_id, started_at, completed_at, error, error_code, result];
  return sql`(${sql.join([...numbers, ...texts])})`;
}

async function insertResults(trx: Transaction<HistorySchema>, changes: readonly Change[]): Promise<void> {
  const rows = changes.flatMap(({ job, after }) =>
    after.result ? [toResultRow(job, after.attempt, after.result)] : [],
  );
  if (rows.length === 0) return;
  await trx
    .insertInto('results')
    .values(rows)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

async function writeAttempts(trx: Transaction<HistorySchema>, changes: readonly Change[]): Promise<void> {
  const rows = changes.flatMap(({ job, attempts }) => attempts.map((attempt) => toAttemptRow(job, attempt)));
  if (rows.length === 0) return;
  await trx
    .insertInto('attempts')
    .values(rows)
    .onConflict((conflict) =>
      conflict.columns(['job', 'attempt']).doUpdateSet((eb) => ({
        started_at: eb.ref('excluded.started_at'),
        ended_at: eb.ref('excluded.ended_at'),
        outcome: eb.ref('excluded.outcome'),
        error: eb.ref('excluded.error'),
      })),
    )
    .execute();
}

async function trimProgress(trx: Transaction<HistorySchema>, { job, events }: Change): Promise<void> {
  if (!events.some(({ type, sequence }) => type === 'progress' && sequence % TRIM_EVERY === 0)) return;
  const oldestKept = await trx
    .selectFrom('events')
    .select('sequence')
    .where('job', '=', job)
    .where('type', '=', 'progress')
    .orderBy('sequence', 'desc')
    .offset(KEPT_PROGRESS - 1)
    .limit(1)
    .executeTakeFirst();
  if (oldestKept === undefined) return;
  await trx
    .deleteFrom('events')
    .where('job', '=', job)
    .where('type', '=', 'progress')
    .where('sequence', '<', oldestKept.sequence)
    .execute();
}
