import type { AttemptRecord, JobRecord } from '@guestkit/core/history/job-history';
import { ERROR_CLASSES, type ErrorClass } from '@guestkit/core/job/error-class';
import type { JobEvent, ProgressEvent } from '@guestkit/core/job/event';
import { JOB_STATES } from '@guestkit/core/job/state';
import * as z from 'zod';

// What clients see of a job. The first members of a status are those of the protocol (section 9), nulls included.

// not z.iso.datetime(): the protocol knows leap seconds
export const timestamp = z.string().meta({ format: 'date-time', description: 'RFC 3339, in UTC' });
const status = z.enum(JOB_STATES);

export const jobErrorSchema = z.object({
  code: z.string(),
  message: z.string(),
  phase: z.string().optional(),
  details: z.record(z.string(), z.unknown()).optional(),
  recoverable: z.boolean(),
  retry_recommended: z.boolean(),
});

export const jobSummarySchema = z.object({
  job_id: z.string(),
  status,
  submitted_at: timestamp,
  started_at: timestamp.nullable(),
  completed_at: timestamp.nullable(),
  cancel_requested_at: timestamp.nullable(),
  error: jobErrorSchema.nullable(),
  operation: z.string(),
  name: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
  priority: z.int(),
  pool: z.string(),
  worker_id: z.string().nullable(),
  attempt: z.int().describe('Number of the latest attempt; 0 before the first'),
  detail: z.string().nullable().describe('Finer than the status, where there is more to say'),
  created_at: timestamp,
  archived_at: timestamp.nullable().describe('When it was moved to the archive'),
});

export const attemptSchema = z.object({
  attempt: z.int(),
  worker_id: z.string(),
  started_at: timestamp,
  ended_at: timestamp.nullable(),
  outcome: z.enum(['running', 'completed', 'failed', 'timeout', 'cancelled', 'retry', 'drain', 'lost']),
  error: jobErrorSchema.nullable(),
});

const progressSchema = z.object({
  sequence: z.int(),
  timestamp,
  phase: z.string(),
  progress_percent: z.int().min(0).max(100).optional(),
  message: z.string(),
  details: z.record(z.string(), z.unknown()).optional(),
});

export const jobStatusSchema = jobSummarySchema.extend({
  attempts: z.array(attemptSchema),
  progress: progressSchema.nullable().describe('The latest progress of the latest attempt'),
});

export const errorClassSchema = z.enum(Object.keys(ERROR_CLASSES) as [ErrorClass, ...ErrorClass[]]);

export const deadLetterNoteSchema = z.object({
  class: errorClassSchema.describe('Of the error'),
  because: z
    .enum(['class', 'attempts', 'deadline'])
    .describe('Why no attempt follows: the class gets none; the job had all it may have; it would come too late'),
});

export const jobEventSchema = z.object({
  job_id: z.string(),
  sequence: z.int().describe('Grows within the job and across its attempts, with gaps'),
  timestamp,
  attempt: z.int(),
  worker_id: z.string(),
  type: z.enum(['assigned', 'running', 'progress', 'released', 'finished']),
  phase: z.string().optional(),
  progress_percent: z.int().min(0).max(100).optional(),
  message: z.string().optional(),
  details: z.record(z.string(), z.unknown()).optional(),
  reason: z.enum(['retry', 'drain', 'lost']).optional().describe('Why the attempt was given up'),
  status: status.optional().describe('The final state'),
  error: jobErrorSchema.optional(),
  dead_letter: deadLetterNoteSchema.optional().describe('Where the job went to the dead letters'),
});

export type JobSummary = Omit<JobRecord, 'tenant' | 'document'>;

export interface JobStatus extends JobSummary {
  readonly attempts: readonly AttemptRecord[];
  readonly progress: ProgressView | null;
}

type ProgressView = Omit<ProgressEvent, 'type' | 'tenant' | 'job_id' | 'attempt' | 'worker_id'>;

export function summaryOf({ tenant, document, ...summary }: JobRecord): JobSummary {
  return summary;
}

export function progressOf({ type, tenant, job_id, attempt, worker_id, ...progress }: ProgressEvent): ProgressView {
  return progress;
}

/** The same event, with the outcome of a finished job in place of its whole result. */
export function eventOf({ tenant, ...event }: JobEvent): Readonly<Record<string, unknown>> {
  if (event.type !== 'finished') return event;
  const { result, ...rest } = event;
  return { ...rest, status: result.status, ...(result.error && { error: result.error }) };
}
