import type { Kysely } from 'kysely';
import type { QueuedJob } from '../queue/job-queue.ts';
import { attemptsBefore } from './attempts-before.ts';
import { IS_UNFINISHED } from './partial-indexes.ts';
import { JOB_COLUMNS, type JobRowWithoutResult, toAcceptedJob, toAttemptRecord } from './rows.ts';
import type { AttemptRow, HistorySchema, JobRow } from './schema.ts';
import { attemptsOfJobs } from './sql-attempts.ts';
import type { SqlFlavour } from './sql-flavour.ts';
import { UNFINISHED_STATES, type UnfinishedJob, type UnfinishedPage, type UnfinishedState } from './unfinished-jobs.ts';

const COLUMNS = [
  'id',
  'tenant',
  'pool',
  'job_id',
  'status',
  'attempt',
  'worker_id',
  'last_sequence',
  'submitted_at',
] as const satisfies readonly (keyof JobRow)[];

type ComparedRow = Pick<JobRow, (typeof COLUMNS)[number]> & { readonly inOutbox: number | null };

export async function unfinished(
  db: Kysely<HistorySchema>,
  { status, after, limit }: UnfinishedPage,
): Promise<readonly UnfinishedJob[]> {
  const rows = await withOutbox(db)
    .where(IS_UNFINISHED)
    .where('status', '=', status)
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute();
  return rows.map(toUnfinishedJob);
}

export async function unfinishedAmong(
  db: Kysely<HistorySchema>,
  tenant: string,
  jobIds: readonly string[],
): Promise<readonly UnfinishedJob[]> {
  const rows = await withOutbox(db)
    .where('tenant', '=', tenant)
    .where('job_id', 'in', jobIds)
    .where('status', 'in', UNFINISHED_STATES)
    .execute();
  return rows.map(toUnfinishedJob);
}

export async function queuedJobs(
  db: Kysely<HistorySchema>,
  flavour: SqlFlavour,
  positions: readonly number[],
): Promise<readonly QueuedJob[]> {
  const rows = await db
    .selectFrom('jobs')
    .select(JOB_COLUMNS)
    .where('id', 'in', positions)
    .where('status', 'in', UNFINISHED_STATES)
    .orderBy('id')
    .execute();
  const attempts = await attemptsOfJobs(db, flavour, rows);
  return rows.map((row) => toQueuedJob(row, attempts.get(row.id) ?? []));
}

function toQueuedJob(row: JobRowWithoutResult, attempts: readonly AttemptRow[]): QueuedJob {
  const job = toAcceptedJob(row);
  return attempts.length === 0 ? job : { ...job, ...attemptsBefore(attempts.map(toAttemptRecord)) };
}

function withOutbox(db: Kysely<HistorySchema>) {
  return db
    .selectFrom('jobs')
    .leftJoin('outbox', 'outbox.job', 'jobs.id')
    .select(COLUMNS)
    .select('outbox.job as inOutbox');
}

function toUnfinishedJob({ id, last_sequence, inOutbox, status, ...row }: ComparedRow): UnfinishedJob {
  return {
    ...row,
    position: id,
    // the query asks for no others
    status: status as UnfinishedState,
    lastSequence: last_sequence,
    wasEnqueued: inOutbox === null,
  };
}
