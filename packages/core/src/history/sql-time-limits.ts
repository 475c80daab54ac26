import type { Kysely } from 'kysely';
import { lossOf } from './attempt-loss.ts';
import { jobById } from './job-by-id.ts';
import { PENDING } from './partial-indexes.ts';
import { JOB_COLUMNS, type JobRowWithoutResult, toJobRecord } from './rows.ts';
import type { HistorySchema } from './schema.ts';
import type { JobsQuery, SqlFlavour } from './sql-flavour.ts';
import type { OverdueJob, OverdueQuery, TimeLimit } from './time-limits.ts';
import { writeEvents } from './write-events.ts';

export async function overdue(db: Kysely<HistorySchema>, query: OverdueQuery): Promise<readonly OverdueJob[]> {
  const groups: readonly (readonly [TimeLimit, readonly JobRowWithoutResult[]])[] = [
    ['wait', await waitingTooLong(db, query).execute()],
    ['deadline', await pastDeadline(db, query).execute()],
    ['run', await runningTooLong(db, query)],
  ];
  return groups.flatMap(([limit, rows]) => rows.map((row) => ({ job: toJobRecord(row), limit })));
}

export async function takeBack(
  db: Kysely<HistorySchema>,
  flavour: SqlFlavour,
  { tenant, jobId, attempt }: { readonly tenant: string; readonly jobId: string; readonly attempt: number },
): Promise<boolean> {
  return flavour.transaction(db, async (trx) => {
    const row = await flavour.hold(jobById(trx, tenant, jobId)).executeTakeFirst();
    const isHeld = row?.status === 'assigned' || row?.status === 'running';
    if (row === undefined || !isHeld || row.attempt !== attempt) return false;
    await writeEvents(trx, [lossOf({ ...row, lastSequence: row.last_sequence })], flavour);
    return true;
  });
}

function waitingTooLong(db: Kysely<HistorySchema>, { nowMs, limit }: OverdueQuery): JobsQuery<JobRowWithoutResult> {
  return db
    .selectFrom('jobs')
    .select(JOB_COLUMNS)
    .where('wait_until', 'is not', null)
    .where('status', '=', PENDING)
    .where('wait_until', '<', timeOf(nowMs))
    .where('attempt', '=', 0)
    .orderBy('wait_until')
    .limit(limit);
}

function pastDeadline(
  db: Kysely<HistorySchema>,
  { nowMs, graceMs, limit }: OverdueQuery,
): JobsQuery<JobRowWithoutResult> {
  return db
    .selectFrom('jobs')
    .select(JOB_COLUMNS)
    .where('deadline', 'is not', null)
    .where('completed_at', 'is', null)
    .where('deadline', '<', timeOf(nowMs))
    .where((eb) => eb.or([eb('status', '=', PENDING), eb('deadline', '<', timeOf(nowMs - graceMs))]))
    .orderBy('deadline')
    .limit(limit);
}

/** Workers have few jobs at a time, so all those are looked at. */
async function runningTooLong(
  db: Kysely<HistorySchema>,
  { nowMs, graceMs, limit }: OverdueQuery,
): Promise<readonly JobRowWithoutResult[]> {
  const held = await db
    .selectFrom('jobs')
    .select(['id', 'started_at', 'timeout_seconds'])
    .where('status', '<>', PENDING)
    .where('completed_at', 'is', null)
    .where('started_at', '<', timeOf(nowMs - graceMs))
    .orderBy('started_at')
    .execute();
  const overdue = held.filter(
    ({ started_at, timeout_seconds }) =>
      started_at !== null &&
      timeout_seconds !== null &&
      Date.parse(started_at) + timeout_seconds * 1000 + graceMs < nowMs,
  );
  const ids = overdue.slice(0, limit).map(({ id }) => id);
  return ids.length === 0 ? [] : db.selectFrom('jobs').select(JOB_COLUMNS).where('id', 'in', ids).execute();
}

function timeOf(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
