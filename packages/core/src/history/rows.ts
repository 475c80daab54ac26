import { createHash } from 'node:crypto';
import type { JobDocument } from '../job/document.ts';
import { type JobEvent, sequenceOf } from '../job/event.ts';
import { contentHash } from '../job/render.ts';
import type { ResultDocument } from '../job/result.ts';
import { isFinal } from '../job/state.ts';
import { epochMsOf, timestampOf } from '../job/timestamp.ts';
import { facetsOf } from './facets.ts';
import type { AcceptedJob, AttemptRecord, JobRecord } from './job-history.ts';
import type { AttemptRow, EventRow, JobRow, NewResultRow } from './schema.ts';
import { parseSearchableJson, toSearchableJson } from './searchable-json.ts';
import { type KnownAttempt, type Standing, startOf } from './standing.ts';

// Between rows of the tables and the terms of the contract.

/** Columns that say what was asked for: they never change. */
const SUBMITTED_COLUMNS = [
  'tenant',
  'job_id',
  'pool',
  'operation',
  'name',
  'labels',
  'priority',
  'document',
  'payload',
  'content_hash',
  'idempotency_key',
  'created_at',
  'submitted_at',
] as const satisfies readonly (keyof JobRow)[];

/** Columns that a new job brings with it; those of `AT_FIRST` are the same for all, and the others are null. */
export const NEW_JOB_COLUMNS = [
  ...SUBMITTED_COLUMNS,
  'wait_until',
  'deadline',
  'timeout_seconds',
] as const satisfies readonly (keyof JobRow)[];

export const AT_FIRST = { status: 'pending', attempt: 0, last_sequence: -1 } as const;

export type NewJobRow = Pick<JobRow, (typeof NEW_JOB_COLUMNS)[number]>;

/** A job to be accepted, and all that is to be written of it. */
export interface NewJob {
  readonly job: AcceptedJob;
  readonly row: NewJobRow;
  readonly facets: readonly number[];
}

/** All columns of a job but the outcome, which repeats them. */
export const JOB_COLUMNS = [
  'id',
  ...SUBMITTED_COLUMNS,
  'status',
  'detail',
  'attempt',
  'worker_id',
  'started_at',
  'completed_at',
  'duration_ms',
  'error',
  'error_code',
  'last_sequence',
  'cancel_requested_at',
] as const satisfies readonly (keyof JobRow)[];

/** What says where a job stands: documents, which may be large, stay where they are. */
export const STANDING_COLUMNS = [
  'id',
  'tenant',
  'job_id',
  'status',
  'detail',
  'attempt',
  'worker_id',
  'completed_at',
  'error',
  'last_sequence',
] as const satisfies readonly (keyof JobRow)[];

export type StandingRow = Pick<JobRow, (typeof STANDING_COLUMNS)[number]>;

export type JobRowWithoutResult = Pick<JobRow, (typeof JOB_COLUMNS)[number]>;

export function toNewJob(job: AcceptedJob): NewJob {
  return { job, row: toJobRow(job), facets: facetsOf(job.tenant, job.document) };
}

/** What no two jobs have in common. */
export function nameOfJob({ tenant, job_id }: Pick<JobRow, 'tenant' | 'job_id'>): string {
  // there is no blank in an id
  return `${job_id} ${tenant}`;
}

export function toJobRow({ tenant, pool, document, acceptedAtMs, waitSeconds = 0 }: AcceptedJob): NewJobRow {
  const { deadline, timeouts, timeout_seconds } = document.execution;
  const waitMs = (timeouts?.wait_seconds ?? waitSeconds) * 1000;
  return {
    tenant,
    job_id: document.job_id,
    pool,
    operation: document.operation,
    name: document.metadata?.name ?? null,
    labels: toSearchableJson(document.metadata?.labels ?? {}),
    priority: document.execution?.priority ?? 5,
    // null keeps the place of the payload among the members
    document: JSON.stringify({ ...document, payload: null }),
    payload: toSearchableJson(document.payload),
    content_hash: contentHash(document),
    idempotency_key: toKeyColumn(document.execution?.idempotency_key),
    created_at: document.created_at,
    submitted_at: timestampOf(acceptedAtMs),
    wait_until: waitMs > 0 ? toSortableTime(acceptedAtMs + waitMs) : null,
    deadline: deadline === undefined ? null : toSortableTime(epochMsOf(deadline)),
    timeout_seconds,
  };
}

/** Times beyond the year 9999 have a sign, and would come before all others. */
function toSortableTime(epochMs: number): string {
  return new Date(Math.min(epochMs, Date.UTC(9999, 0))).toISOString();
}

/** An entry of an index has a limit, of about 2,700 bytes in PostgreSQL; the document has the key itself. */
const MAX_KEY_BYTES = 1_000;

function toKeyColumn(key: string | undefined): string | null {
  if (key === undefined || Buffer.byteLength(key) <= MAX_KEY_BYTES) return key ?? null;
  return `sha256:${createHash('sha256').update(key).digest('hex')}`;
}

export function toJobRecord(row: Omit<JobRowWithoutResult, 'id'> & { readonly archived_at?: string }): JobRecord {
  const { tenant, pool, job_id, operation, priority, status, detail, attempt, worker_id } = row;
  const { created_at, submitted_at, started_at, completed_at, cancel_requested_at } = row;
  const isCancelling = cancel_requested_at !== null && !isFinal(status);
  const document: JobDocument = { ...JSON.parse(row.document), payload: parseSearchableJson(row.payload) };
  // the columns of the same names are for searching, and not exact
  const { name = null, labels = {} } = document.metadata ?? {};
  return {
    ...{ tenant, pool, job_id, operation, name, labels, priority },
    ...{ status, detail: isCancelling ? 'cancelling' : detail, attempt, worker_id },
    ...{ created_at, submitted_at, started_at, completed_at, cancel_requested_at },
    error: parseOrNull(row.error),
    archived_at: row.archived_at ?? null,
    document,
  };
}

/** Of a job that was just accepted. */
export function toNewRecord({ job: { document, tenant, pool }, row }: NewJob): JobRecord {
  const { job_id, operation, priority, created_at, submitted_at } = row;
  const { name = null, labels = {} } = document.metadata ?? {};
  return {
    ...{ tenant, pool, job_id, operation, name, labels, priority },
    ...{ status: AT_FIRST.status, detail: null, attempt: AT_FIRST.attempt, worker_id: null },
    ...{ created_at, submitted_at, started_at: null, completed_at: null, cancel_requested_at: null },
    ...{ error: null, archived_at: null, document },
  };
}

export function toAcceptedJob(row: JobRowWithoutResult): AcceptedJob {
  const { tenant, pool, document } = toJobRecord(row);
  return { tenant, pool, document, acceptedAtMs: Date.parse(row.submitted_at) };
}

export function toStanding(row: StandingRow, attempts: readonly AttemptRow[]): Standing {
  const { status, detail, attempt, worker_id, completed_at, last_sequence } = row;
  return {
    ...{ status, detail, attempt, worker_id, completed_at, lastSequence: last_sequence },
    error: parseOrNull(row.error),
    // written once, with the final state, and never needed again to go on
    result: null,
    attempts: attempts.map(toKnownAttempt),
  };
}

/** What the events of a job change in its row. */
export function toStandingColumns(standing: Standing) {
  const { status, detail, attempt, worker_id, completed_at, error, result, lastSequence } = standing;
  const started_at = startOf(standing);
  return {
    ...{ status, detail, attempt, worker_id, started_at, completed_at },
    duration_ms: started_at && completed_at && durationMs(started_at, completed_at),
    error: error && JSON.stringify(error),
    error_code: error?.code ?? null,
    last_sequence: lastSequence,
    result: result?.outputs ? JSON.stringify({ outputs: result.outputs }) : null,
  };
}

/** Clocks may step back between the two, and two machines may differ. */
function durationMs(startedAt: string, completedAt: string): number {
  return Math.max(0, Date.parse(completedAt) - Date.parse(startedAt));
}

export function toResultRow(job: number, attempt: number, result: ResultDocument): NewResultRow {
  const document = JSON.stringify(result);
  return {
    job,
    attempt,
    document,
    size_bytes: Buffer.byteLength(document),
    artifact: result.data_artifact?.key ?? null,
  };
}

export function toAttemptRecord({ job, token, first_sequence, error, ...attempt }: AttemptRow): AttemptRecord {
  return { ...attempt, error: parseOrNull(error) };
}

function toKnownAttempt({ job, error, first_sequence, ...attempt }: AttemptRow): KnownAttempt {
  const first = first_sequence ?? sequenceOf(attempt.attempt, 0);
  return { ...attempt, first_sequence: first, error: parseOrNull(error) };
}

export function toAttemptRow(job: number, { error, ...attempt }: KnownAttempt): AttemptRow {
  return { job, ...attempt, error: error && JSON.stringify(error) };
}

export function toEventRow(job: number, event: JobEvent): EventRow {
  const { tenant, job_id, attempt, sequence, timestamp, worker_id, token, type, ...body } = {
    ...event,
    result: undefined,
  };
  return { job, sequence, attempt, type, timestamp, worker_id, body: JSON.stringify(body) };
}

/** `result` is that of the job, as JSON. */
export function toEvent(row: EventRow, tenant: string, job_id: string, result: string | null): JobEvent {
  const { attempt, sequence, timestamp, worker_id, type } = row;
  const ofEnd = type === 'finished' ? { result: parseOrNull(result) } : {};
  return { tenant, job_id, attempt, sequence, timestamp, worker_id, type, ...JSON.parse(row.body), ...ofEnd };
}

function parseOrNull(json: string | null) {
  return json === null ? null : JSON.parse(json);
}
