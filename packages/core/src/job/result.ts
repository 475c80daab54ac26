import type { ArtifactReference } from './artifact.ts';
import type { JobDocument, Observability } from './document.ts';
import { finalStateOf } from './error-code.ts';
import type { FinalState } from './state.ts';
import { timestampOf } from './timestamp.ts';

// The result document of the protocol (section 5). Times are RFC 3339 in UTC, sizes are bytes.

export interface ExecutionSummary {
  readonly started_at: string;
  readonly duration_seconds: number;
  readonly duration_ms: number;
  readonly attempt: number;
  readonly idempotency_key?: string;
  /** The result is that of an earlier job on the same images, which have not changed since. */
  readonly cached?: CachedFrom;
}

export interface CachedFrom {
  readonly from_job: string;
  readonly age_seconds: number;
}

export interface JobMetrics {
  readonly disk_read_bytes?: number;
  readonly disk_write_bytes?: number;
  readonly peak_memory_mb?: number;
  readonly cpu_seconds?: number;
  /** The same in milliseconds: most attempts take less than a second. */
  readonly cpu_ms?: number;
  /** What was fetched of remote images. */
  readonly source?: SourceMetrics;
}

export interface SourceMetrics {
  readonly bytes_fetched: number;
  readonly requests: number;
  /** Reads that needed no request. */
  readonly cache_hits: number;
  /** Requests that were made again. */
  readonly retries: number;
}

export interface JobOutputs {
  readonly primary?: string;
  readonly artifacts?: readonly string[];
}

/** `code` is one of error-code.ts; `details` may carry `kind`, `format` and `offset` of a disk error. */
export interface JobError {
  readonly code: string;
  readonly message: string;
  readonly phase?: string;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly recoverable: boolean;
  readonly retry_recommended: boolean;
}

export interface ResultDocument {
  readonly job_id: string;
  readonly worker_id: string;
  readonly status: FinalState;
  readonly completed_at?: string;
  readonly failed_at?: string;
  readonly execution_summary: ExecutionSummary;
  readonly outputs?: JobOutputs;
  readonly metrics?: JobMetrics;
  readonly error?: JobError;
  readonly observability?: Observability;
  readonly data?: unknown;
  /** Where `data` is, when it is too large to stand here. */
  readonly data_artifact?: ArtifactReference;
}

/** The attempt that decided the outcome of a job. */
export interface EndedAttempt {
  readonly document: JobDocument;
  readonly workerId: string;
  readonly attempt: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly metrics?: JobMetrics;
  readonly cached?: CachedFrom | undefined;
}

/** The result of a job whose operation succeeded. */
export function completedResult(
  ended: EndedAttempt,
  answer: { readonly data: unknown; readonly data_artifact?: ArtifactReference; readonly outputs?: JobOutputs },
): ResultDocument {
  const key = ended.document.execution.idempotency_key;
  return {
    job_id: ended.document.job_id,
    worker_id: ended.workerId,
    status: 'completed',
    completed_at: timestampOf(ended.endedAtMs),
    execution_summary: {
      ...summaryOf(ended),
      ...(key !== undefined && { idempotency_key: key }),
      ...(ended.cached && { cached: ended.cached }),
    },
    ...(answer.outputs && { outputs: answer.outputs }),
    ...tracesOf(ended),
    ...(answer.data !== null && answer.data !== undefined && { data: answer.data }),
    ...(answer.data_artifact && { data_artifact: answer.data_artifact }),
  };
}

/** The result of a job that ended without success; the error decides its state. */
export function failedResult(ended: EndedAttempt, error: JobError): ResultDocument {
  return {
    job_id: ended.document.job_id,
    worker_id: ended.workerId,
    status: finalStateOf(error),
    failed_at: timestampOf(ended.endedAtMs),
    execution_summary: summaryOf(ended),
    ...tracesOf(ended),
    error,
  };
}

function summaryOf({ startedAtMs, endedAtMs, attempt }: EndedAttempt): ExecutionSummary {
  // clocks may step back between the two
  const durationMs = Math.max(0, Math.round(endedAtMs - startedAtMs));
  return {
    started_at: timestampOf(startedAtMs),
    duration_seconds: Math.floor(durationMs / 1000),
    duration_ms: durationMs,
    attempt,
  };
}

function tracesOf({ metrics, document }: EndedAttempt): Pick<ResultDocument, 'metrics' | 'observability'> {
  return { ...(metrics && { metrics }), ...(document.observability && { observability: document.observability }) };
}
