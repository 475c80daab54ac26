import type { Observability } from './document.ts';
import type { JobState } from './state.ts';

// The result document of the protocol (section 5). Times are RFC 3339 in UTC, sizes are bytes.

export interface ExecutionSummary {
  readonly started_at: string;
  readonly duration_seconds: number;
  readonly duration_ms: number;
  readonly attempt: number;
  readonly idempotency_key?: string;
}

export interface JobMetrics {
  readonly disk_read_bytes?: number;
  readonly disk_write_bytes?: number;
  readonly peak_memory_mb?: number;
  readonly cpu_seconds?: number;
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
  readonly status: Extract<JobState, 'completed' | 'failed' | 'cancelled' | 'timeout'>;
  readonly completed_at?: string;
  readonly failed_at?: string;
  readonly execution_summary: ExecutionSummary;
  readonly outputs?: { readonly primary?: string; readonly artifacts?: readonly string[] };
  readonly metrics?: JobMetrics;
  readonly error?: JobError;
  readonly observability?: Observability;
  readonly data?: unknown;
}
