import type { AuditAuthor, PageDemand } from './audit-log.ts';
import type { JobFilter } from './job-history.ts';

/** What may be done to many jobs at once. */
export const BULK_VERBS = ['cancel', 'retry', 'purge'] as const;
export type BulkVerb = (typeof BULK_VERBS)[number];

/** `stopped`: somebody asked for that, and what was done until then stays done; `stopping`: its last batch is under way. */
export const BULK_STATES = ['pending', 'running', 'stopping', 'completed', 'stopped'] as const;
export type BulkState = (typeof BULK_STATES)[number];

export interface NewBulkOperation {
  readonly bulk_id: string;
  readonly verb: BulkVerb;
  readonly filter: JobFilter;
  readonly requested_by: string;
  readonly request_id: string;
}

/** What became of jobs: `skipped` are those whose state or document does not allow it. */
export interface BulkCounts {
  readonly changed: number;
  readonly skipped: number;
  readonly failed: number;
}

/** Times are RFC 3339 in UTC. */
export interface BulkOperation extends NewBulkOperation, BulkCounts {
  readonly state: BulkState;
  /** Jobs that matched when it was asked for. */
  readonly total: number;
  /** Jobs that matched when their turn came, which is what the other counts add up to. */
  readonly matched: number;
  /** Why one of those that failed did. */
  readonly error: string | null;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly finished_at: string | null;
}

/** The jobs whose turn it is: kept with the operation until it is told what became of them. */
export interface BulkBatch {
  /** Where it begins, which says which batch it is: what is told of another one is passed over. */
  readonly cursor: string;
  /** Where the one after it begins; `null` for the last one. */
  readonly next: string | null;
  readonly jobIds: readonly string[];
}

export interface BulkPage {
  readonly operations: readonly BulkOperation[];
  /** Opaque; `null` on the last page. Newest first. */
  readonly nextCursor: string | null;
}

/** What a batch has come to. */
export interface BulkTold extends BulkCounts {
  readonly error?: string;
}

/**
 * Operations on many jobs, done batch by batch. A batch that was taken and not told of is taken again, so that whoever goes on after
 * a crash misses no job and counts each once, as long as what is done to a job may be done again. The audit log is told of their
 * beginning and end.
 */
export interface BulkOperations {
  /** The operation is about the jobs that are there now: those that come later are no part of it. */
  addBulkOperation(operation: NewBulkOperation): Promise<BulkOperation>;
  findBulkOperation(tenant: string, bulkId: string): Promise<BulkOperation | undefined>;
  /** @throws RangeError when the cursor is not one of ours */
  listBulkOperations(tenant: string, page: PageDemand): Promise<BulkPage>;
  /** Those that have not ended, oldest first. */
  openBulkOperations(): Promise<readonly BulkOperation[]>;
  /** The batch that was taken last and not told of, else a new one; `undefined` when nothing is left to do: the operation has ended. */
  takeBulkBatch(operation: BulkOperation, limit: number): Promise<BulkBatch | undefined>;
  /** `false` when another has told of this batch before. */
  endBulkBatch(operation: BulkOperation, batch: BulkBatch, told: BulkTold): Promise<boolean>;
  /** Ends an operation with its present batch. `false` when it has ended before, or there is none. */
  stopBulkOperation(tenant: string, bulkId: string, by: AuditAuthor): Promise<boolean>;
  /** Deletes ended jobs with all that belongs to them, and answers with the ids of those that are there no longer. */
  purgeJobs(tenant: string, jobIds: readonly string[]): Promise<readonly string[]>;
}
