import {
  type AssignedEvent,
  type FinishedEvent,
  type JobEventBase,
  type ProgressEvent,
  type ReleasedEvent,
  type RunningEvent,
  sequenceOf,
} from '@guestkit/core/job/event';
import type { ResultDocument } from '@guestkit/core/job/result';

/** The events of one attempt, as the worker that runs it tells them: each call is the next one. */
export function attemptEvents({ tenant = 'acme', job_id = 'job-test-0001', attempt = 1, worker_id = 'worker-1' } = {}) {
  let told = 0;
  const next = (): JobEventBase => {
    const sequence = sequenceOf(attempt, told);
    told += 1;
    return { tenant, job_id, attempt, sequence, timestamp: timestampOf(sequence), worker_id };
  };
  return {
    assigned: (): AssignedEvent => ({ ...next(), type: 'assigned' }),
    running: (): RunningEvent => ({ ...next(), type: 'running' }),
    progress: (message = 'reading'): ProgressEvent => ({
      ...next(),
      type: 'progress',
      phase: 'disk_inspection',
      message,
    }),
    released: (reason: ReleasedEvent['reason'] = 'retry'): ReleasedEvent => ({ ...next(), type: 'released', reason }),
    finished: (given: Partial<ResultDocument> = {}): FinishedEvent => {
      const base = next();
      return { ...base, type: 'finished', result: resultOf(base, given) };
    },
  };
}

function resultOf(
  { job_id, worker_id, attempt, timestamp }: JobEventBase,
  given: Partial<ResultDocument>,
): ResultDocument {
  return {
    job_id,
    worker_id,
    status: 'completed',
    ...(given.status === undefined || given.status === 'completed'
      ? { completed_at: timestamp }
      : { failed_at: timestamp }),
    execution_summary: {
      started_at: timestampOf(sequenceOf(attempt, 0)),
      duration_seconds: 0,
      duration_ms: 5,
      attempt,
    },
    ...given,
  };
}

/** Later for later sequences. */
function timestampOf(sequence: number): string {
  return new Date(Date.UTC(2026, 4, 4, 8) + sequence).toISOString();
}
