import type { Generated, Insertable, Selectable } from 'kysely';
import type { ArtifactEncoding } from '../job/artifact.ts';
import type { ErrorClass } from '../job/error-class.ts';
import type { JobEvent } from '../job/event.ts';
import type { EndCause } from '../job/next-attempt.ts';
import type { FinalState, JobState } from '../job/state.ts';
import type { BulkState, BulkVerb } from './bulk-operations.ts';
import type { AttemptRecord } from './job-history.ts';

// The tables as the newest migration leaves them. Times are RFC 3339 in UTC with milliseconds, so that text order is time order.

export interface JobsTable {
  /** Grows with acceptance: the order of pages. */
  readonly id: Generated<number>;
  readonly tenant: string;
  readonly job_id: string;
  readonly pool: string;
  readonly operation: string;
  readonly name: string | null;
  /** JSON object of strings. */
  readonly labels: string;
  readonly priority: number;
  readonly status: JobState;
  readonly detail: string | null;
  readonly attempt: number;
  readonly worker_id: string | null;
  /** JSON of the job document, with `payload` set to null: that has a column of its own. */
  readonly document: string;
  /** JSON. */
  readonly payload: string;
  readonly content_hash: string;
  readonly idempotency_key: string | null;
  readonly created_at: string;
  readonly submitted_at: string;
  readonly started_at: string | null;
  readonly completed_at: string | null;
  /** From the start of the latest attempt to the end of the job. */
  readonly duration_ms: number | null;
  /** JSON of the `outputs` of the result, as a member, where there are any; older rows have all of the result but its `data`. */
  readonly result: string | null;
  /** JSON. */
  readonly error: string | null;
  readonly error_code: string | null;
  /** The highest sequence among its events; -1 before the first. */
  readonly last_sequence: number;
  readonly cancel_requested_at: string | null;
  readonly cancel_reason: string | null;
  /** Until when its first attempt must have begun. */
  readonly wait_until: string | null;
  readonly deadline: string | null;
  /** Of one attempt. */
  readonly timeout_seconds: number | null;
}

/**
 * Jobs that have ended some time ago. Their ids, attempts, results and events stay as they were. Whatever column a job has, its row here
 * has it too.
 */
export interface ArchivedJobsTable extends Omit<JobsTable, 'id'> {
  readonly id: number;
  readonly archived_at: string;
}

/** Jobs that the queue was not yet seen to have. */
export interface OutboxTable {
  readonly job: number;
}

/** What jobs are found by, see facets.ts. */
export interface FacetsTable {
  readonly facet: number;
  readonly job: number;
}

export interface AttemptsTable {
  readonly job: number;
  readonly attempt: number;
  readonly token: string | null;
  readonly first_sequence: number | null;
  readonly worker_id: string;
  readonly started_at: string;
  readonly ended_at: string | null;
  readonly outcome: AttemptRecord['outcome'];
  /** JSON. */
  readonly error: string | null;
}

export interface EventsTable {
  readonly job: number;
  readonly sequence: number;
  readonly attempt: number;
  readonly type: JobEvent['type'];
  readonly timestamp: string;
  readonly worker_id: string;
  /** JSON of the members that only this type of event has; the result of a finished event is in `results`. */
  readonly body: string;
}

/** What a job has ended with, written once. */
export interface ResultsTable {
  readonly job: number;
  readonly attempt: number;
  /** JSON of the result document. */
  readonly document: string;
  readonly size_bytes: number;
  /** Key of the artifact with the data, when those do not stand in `document`. */
  readonly artifact: string | null;
}

/** Who has used a key for what. A row stays when its job is archived. */
export interface IdempotencyKeysTable {
  readonly tenant: string;
  readonly key: string;
  readonly content_hash: string;
  readonly job_id: string;
  readonly created_at: string;
}

/** A job that failed for good. */
export interface DeadLettersTable {
  /** Grows with the deaths: the order of pages. */
  readonly id: Generated<number>;
  readonly tenant: string;
  readonly job_id: string;
  readonly operation: string;
  readonly pool: string;
  readonly name: string | null;
  /** Each as JSON of key and value, on a line of its own. */
  readonly labels: string;
  readonly status: FinalState;
  readonly class: ErrorClass;
  readonly because: EndCause;
  readonly error_code: string | null;
  /** JSON. */
  readonly error: string | null;
  readonly attempts: number;
  readonly died_at: string;
  readonly requeued_as: string | null;
  readonly requeued_at: string | null;
}

/** One row for each lease that was ever held. */
export interface LeasesTable {
  readonly name: string;
  readonly holder: string;
  readonly token: number;
  readonly expires_at: string;
}

export interface BulkOperationsTable {
  readonly id: Generated<number>;
  readonly tenant: string;
  readonly bulk_id: string;
  readonly verb: BulkVerb;
  /** JSON of the filter. */
  readonly filter: string;
  readonly requested_by: string;
  readonly request_id: string;
  readonly state: BulkState;
  /** Where the next batch begins; empty at the start. */
  readonly cursor: string;
  /** JSON of the batch that was taken and not told of. */
  readonly batch: string | null;
  readonly total: number;
  readonly matched: number;
  readonly changed: number;
  readonly skipped: number;
  readonly failed: number;
  readonly error: string | null;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly finished_at: string | null;
}

export interface AuditTable {
  readonly id: Generated<number>;
  readonly tenant: string;
  readonly time: string;
  readonly who: string;
  readonly request_id: string;
  readonly verb: string;
  /** JSON. */
  readonly target: string;
  /** JSON. */
  readonly counts: string;
}

export interface ArtifactsTable {
  readonly tenant: string;
  readonly job_id: string;
  readonly attempt: number;
  readonly name: string;
  /** In the artifact store. */
  readonly key: string;
  readonly size_bytes: number;
  readonly sha256: string;
  readonly media_type: string;
  readonly encoding: ArtifactEncoding;
  readonly created_at: string;
}

/** One row: the epoch of the queue when it was last seen to agree with history. */
export interface QueueEpochsTable {
  readonly name: string;
  readonly epoch: string;
  readonly count: number;
}

export interface HistorySchema {
  readonly jobs: JobsTable;
  readonly archived_jobs: ArchivedJobsTable;
  readonly outbox: OutboxTable;
  readonly facets: FacetsTable;
  readonly archived_facets: FacetsTable;
  readonly attempts: AttemptsTable;
  readonly events: EventsTable;
  readonly results: ResultsTable;
  readonly idempotency_keys: IdempotencyKeysTable;
  readonly artifacts: ArtifactsTable;
  readonly dead_letters: DeadLettersTable;
  readonly leases: LeasesTable;
  readonly bulk_operations: BulkOperationsTable;
  readonly audit: AuditTable;
  readonly queue_epochs: QueueEpochsTable;
}

export type JobRow = Selectable<JobsTable>;
export type AttemptRow = Selectable<AttemptsTable>;
export type BulkOperationRow = Selectable<BulkOperationsTable>;
export type DeadLetterRow = Selectable<DeadLettersTable>;
export type EventRow = Selectable<EventsTable>;
export type NewResultRow = Insertable<ResultsTable>;
export type ArtifactRow = Selectable<ArtifactsTable>;
