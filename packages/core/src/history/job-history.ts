import type { Leases } from '../coordination/leases.ts';
import type { QueueEpochMemory } from '../coordination/queue-epoch.ts';
import type { JobDocument } from '../job/document.ts';
import type { JobEvent } from '../job/event.ts';
import type { JobError, ResultDocument } from '../job/result.ts';
import type { JobState } from '../job/state.ts';
import type { ArtifactLedger } from './artifact-ledger.ts';
import type { AuditLog } from './audit-log.ts';
import type { BulkOperations } from './bulk-operations.ts';
import type { Cancellations } from './cancellation.ts';
import type { DatabaseFacts } from './database-facts.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { JobArchive } from './job-archive.ts';
import type { JobSearch } from './job-search.ts';
import type { PublishedJobs } from './published-jobs.ts';
import type { TimeLimits } from './time-limits.ts';
import type { UnfinishedJobs } from './unfinished-jobs.ts';

export type { JobFilter, JobPage } from './job-search.ts';

/** A job to be made durable. */
export interface AcceptedJob {
  readonly tenant: string;
  readonly pool: string;
  readonly document: JobDocument;
  readonly acceptedAtMs: number;
  /** How long it may wait for its first attempt where its document says nothing; 0 for any time. */
  readonly waitSeconds?: number;
  /** Its id was made up for it: the archive need not be asked whether another job has it. */
  readonly isIdNew?: boolean;
}

/** What history knows of a job. Times are RFC 3339 in UTC. */
export interface JobRecord {
  readonly tenant: string;
  readonly pool: string;
  readonly job_id: string;
  readonly operation: string;
  readonly name: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly priority: number;
  readonly status: JobState;
  /** Finer than `status` where there is more to say: `waiting for retry`, `cancelled by request` … */
  readonly detail: string | null;
  readonly attempt: number;
  readonly worker_id: string | null;
  readonly created_at: string;
  readonly submitted_at: string;
  /** When the latest attempt began. */
  readonly started_at: string | null;
  readonly completed_at: string | null;
  /** When somebody asked for its end. */
  readonly cancel_requested_at: string | null;
  readonly error: JobError | null;
  /** When it was moved to the archive. */
  readonly archived_at: string | null;
  readonly document: JobDocument;
}

export interface AttemptRecord {
  readonly attempt: number;
  readonly worker_id: string;
  readonly started_at: string;
  readonly ended_at: string | null;
  /** `running` until told otherwise; `lost` when another attempt began without an end of this one. */
  readonly outcome: 'running' | 'completed' | 'failed' | 'timeout' | 'cancelled' | 'retry' | 'drain' | 'lost';
  readonly error: JobError | null;
}

export type Acceptance =
  | { readonly outcome: 'created'; readonly job: JobRecord }
  /** The same id or idempotency key with the same content: the first job. */
  | { readonly outcome: 'duplicate'; readonly job: JobRecord }
  /** The same id or idempotency key with other content. */
  | { readonly outcome: 'conflict'; readonly field: 'job_id' | 'execution.idempotency_key'; readonly job: JobRecord };

/** The durable truth about jobs. */
export interface JobHistory
  extends JobSearch,
    JobArchive,
    UnfinishedJobs,
    PublishedJobs,
    Cancellations,
    TimeLimits,
    BulkOperations,
    AuditLog,
    ArtifactLedger,
    DeadLetters,
    Leases,
    QueueEpochMemory,
    AsyncDisposable {
  databaseFacts(): Promise<DatabaseFacts>;
  /** Resolves once the job is durable. Concurrent calls share one transaction. */
  accept(job: AcceptedJob): Promise<Acceptance>;
  /** Notes that the queue has the job. */
  markEnqueued(tenant: string, jobIds: readonly string[]): Promise<void>;
  /** Accepted jobs that the queue was never seen to take, oldest first. */
  notEnqueued(acceptedBeforeMs: number, limit: number): Promise<readonly AcceptedJob[]>;
  /** How many those are; counting ends at `atMost`. */
  countNotEnqueued(atMost: number): Promise<number>;
  /** Writes events; repeated and late ones change nothing. Final states do not move. */
  record(events: readonly JobEvent[]): Promise<void>;
  /** In the archive, too; so do `result`, `attempts` and `events`. */
  find(tenant: string, jobId: string): Promise<JobRecord | undefined>;
  result(tenant: string, jobId: string): Promise<ResultDocument | undefined>;
  attempts(tenant: string, jobId: string): Promise<readonly AttemptRecord[]>;
  /** Events after a sequence (default: from the first), in order. */
  events(
    tenant: string,
    jobId: string,
    options: { readonly after?: number; readonly limit: number },
  ): Promise<readonly JobEvent[]>;
}
