import type { Transaction } from 'kysely';
import { deadLetterOf } from '../job/dead-letter.ts';
import type { JobEvent } from '../job/event.ts';
import {
  STANDING_COLUMNS,
  type StandingRow,
  toAttemptRow,
  toEventRow,
  toResultRow,
  toStanding,
  toStandingColumns,
} from './rows.ts';
import type { AttemptRow, HistorySchema } from './schema.ts';
import { insertArtifacts } from './sql-artifacts.ts';
import { attemptsOfJobs } from './sql-attempts.ts';
import { type EndedJob, insertDeadLetters } from './sql-dead-letters.ts';
import type { JobsQuery, SqlFlavour } from './sql-flavour.ts';
import { applyEvent, type KnownAttempt, type Standing, withoutLateEnd } from './standing.ts';
import { admitEvent } from './twins.ts';

/** Of the progress of a job the newest are kept: these, and up to a hundred more until the next look. */
const KEPT_PROGRESS = 1_000;
const TRIM_EVERY = 100;

interface Change {
  readonly job: number;
  readonly after: Standing;
  /** Those that are new or have changed. */
  readonly attempts: readonly KnownAttempt[];
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
    const rows = await flavour.hold(jobsOf(trx, flavour, tenant, ofTenant)).execute();
    const attempts = await attemptsOfJobs(trx, flavour, rows);
    const ofJob = Map.groupBy(ofTenant, (event) => event.job_id);
    const changes = rows
      .map((row) => changeOf(row, attempts.get(row.id) ?? [], ofJob.get(row.job_id) ?? []))
      .filter(({ events }) => events.length > 0);
    await insertEvents(trx, flavour, changes);
    await writeStandings(trx, flavour, changes);
    await insertResults(trx, flavour, changes);
    await writeAttempts(trx, flavour, changes);
    await insertArtifacts(
      trx,
      changes.flatMap(({ events }) => events),
    );
    await insertDeadLetters(trx, changes.flatMap(endedOf));
    for (const change of changes) await trimProgress(trx, change);
  }
}

function jobsOf(
  trx: Transaction<HistorySchema>,
  flavour: SqlFlavour,
  tenant: string,
  events: readonly JobEvent[],
): JobsQuery<StandingRow> {
  const jobIds = [...new Set(events.map((event) => event.job_id))];
  return (
    trx
      .selectFrom('jobs')
      .select(STANDING_COLUMNS)
      .where(flavour.isOfJobs('id', tenant, jobIds))
      // two that hold rows in the same order do not wait for each other
      .orderBy('id')
  );
}

function changeOf(row: StandingRow, attempts: readonly AttemptRow[], events: readonly JobEvent[]): Change {
  const before = toStanding(row, attempts);
  let after = before;
  const accepted: JobEvent[] = [];
  for (const event of events) {
    const admitted = admitEvent(after, event);
    if (admitted === undefined) continue;
    const told = withoutLateEnd(admitted.standing, admitted.event);
    const next = applyEvent(admitted.standing, told);
    if (next === admitted.standing) continue;
    accepted.push(withDeadLetter(told));
    after = next;
  }
  const changed = after.attempts.filter((attempt) => !before.attempts.includes(attempt));
  return { job: row.id, after, attempts: changed, events: accepted };
}

/** Whoever tells of the end of a job need not know what follows from it. */
function withDeadLetter(event: JobEvent): JobEvent {
  if (event.type !== 'finished') return event;
  const note = deadLetterOf(event);
  return note ? { ...event, dead_letter: note } : event;
}

/** The job, if it has ended by this change. */
function endedOf({ job, after, events }: Change): readonly EndedJob[] {
  const end = events.find((event) => event.type === 'finished');
  return end ? [{ job, attempts: after.attempts.length, end }] : [];
}

type Write = (trx: Transaction<HistorySchema>, flavour: SqlFlavour, changes: readonly Change[]) => Promise<void>;

const insertEvents: Write = async (trx, flavour, changes) => {
  const rows = changes.flatMap(({ job, events }) => events.map((event) => toEventRow(job, event)));
  await insertUnlessKnown(trx, flavour, 'events', rows);
};

const insertResults: Write = async (trx, flavour, changes) => {
  const rows = changes.flatMap(({ job, after }) =>
    after.result ? [toResultRow(job, after.attempt, after.result)] : [],
  );
  await insertUnlessKnown(trx, flavour, 'results', rows);
};

async function insertUnlessKnown(
  trx: Transaction<HistorySchema>,
  flavour: SqlFlavour,
  table: 'events' | 'results',
  rows: readonly object[],
): Promise<void> {
  const columns = Object.keys(rows[0] ?? {});
  const names = columns.join(', ');
  const statement = `insert into ${table} (${names}) select ${names} from news where true on conflict do nothing`;
  await flavour.withRows(trx, { columns, rows, statement });
}

/** A result is written once, and stays. */
const writeStandings: Write = async (trx, flavour, changes) => {
  const rows = changes.map(({ job, after }) => ({ id: job, ...toStandingColumns(after) }));
  const columns = Object.keys(rows[0] ?? {});
  const settings = columns
    .filter((column) => column !== 'id')
    .map((column) =>
      column === 'result' ? 'result = coalesce(news.result, jobs.result)' : `${column} = news.${column}`,
    );
  const statement = `update jobs set ${settings.join(', ')} from news where jobs.id = news.id`;
  await flavour.withRows(trx, { columns, rows, statement });
};

const writeAttempts: Write = async (trx, flavour, changes) => {
  const rows = changes.flatMap(({ job, attempts }) => attempts.map((attempt) => toAttemptRow(job, attempt)));
  const columns = Object.keys(rows[0] ?? {});
  const names = columns.join(', ');
  const statement = `
    insert into attempts (${names}) select ${names} from news where true
    on conflict (job, attempt) do update set
      token = excluded.token, first_sequence = excluded.first_sequence, worker_id = excluded.worker_id,
      started_at = excluded.started_at, ended_at = excluded.ended_at, outcome = excluded.outcome, error = excluded.error`;
  await flavour.withRows(trx, { columns, rows, statement });
};

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
