import type { AcceptedJob, JobHistory } from '@guestkit/core/history/job-history';
import type { JobEvent } from '@guestkit/core/job/event';
import type { JobState } from '@guestkit/core/job/state';
import { jobDocument } from './job.ts';
import { attemptEvents } from './job-events.ts';

const MORNING = Date.UTC(2026, 4, 4, 8);

/** What a job was, and how far it came. Times are minutes of one morning. */
export interface JobLife {
  readonly job_id: string;
  readonly tenant: string;
  readonly status: JobState;
  readonly operation: string;
  readonly pool: string;
  readonly priority: number;
  readonly name?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly data: unknown;
  readonly submitted: number;
  readonly started: number;
  readonly completed: number;
  readonly worker: string;
  readonly code: string;
  readonly key?: string;
}

export function minuteOf(minutes: number): string {
  return new Date(MORNING + minutes * 60_000).toISOString();
}

/** A life whose members of no importance are filled in. */
export function jobLife(given: Partial<JobLife> & Pick<JobLife, 'job_id'>): JobLife {
  return {
    ...{ tenant: 'acme', status: 'completed', operation: 'system.echo', pool: 'default', priority: 5 },
    ...{ labels: {}, data: {}, submitted: 0, started: 1, completed: 2, worker: 'worker-1', code: 'IO_ERROR' },
    ...given,
  };
}

/** Tells a history of jobs, in order. */
export async function live(history: JobHistory, lives: readonly JobLife[]): Promise<void> {
  // one after the other: the order of acceptance is that of the list
  for (const life of lives) await history.accept(acceptedLife(life));
  await history.record(lives.flatMap(eventsOfLife));
}

export function acceptedLife({ job_id, tenant, pool, operation, submitted, data, ...life }: JobLife): AcceptedJob {
  const document = jobDocument({
    ...{ job_id, operation },
    metadata: { labels: life.labels, ...(life.name !== undefined && { name: life.name }) },
    execution: { priority: life.priority, ...(life.key !== undefined && { idempotency_key: life.key }) },
    payload: { type: `${operation}.v1`, data },
  });
  return { tenant, pool, document, acceptedAtMs: Date.parse(minuteOf(submitted)) };
}

function eventsOfLife(life: JobLife): readonly JobEvent[] {
  if (life.status === 'pending') return [];
  const { job_id, tenant, worker: worker_id } = life;
  const attempt = attemptEvents({ job_id, tenant, worker_id });
  const [started, completed] = [minuteOf(life.started), minuteOf(life.completed)];
  const assigned = { ...attempt.assigned(), timestamp: started };
  if (life.status === 'assigned') return [assigned];
  const running = { ...attempt.running(), timestamp: started };
  if (life.status === 'running') return [assigned, running];
  const error = { code: life.code, message: 'bad', recoverable: false, retry_recommended: false };
  const finished = attempt.finished({
    status: life.status,
    data: { of: job_id },
    ...(life.status === 'completed' ? { completed_at: completed } : { failed_at: completed, error }),
    execution_summary: { started_at: started, duration_seconds: 0, duration_ms: 0, attempt: 1 },
  });
  return [assigned, running, { ...finished, timestamp: completed }];
}
