import type { Acceptance, AcceptedJob } from '@guestkit/core/history/job-history';
import { type JobDocument, jobDocumentSchema, payloadSchema } from '@guestkit/core/job/document';
import { parseJobDocument } from '@guestkit/core/job/parse';
import { poolOf } from '@guestkit/core/job/pool';
import type { Logger } from '@guestkit/core/telemetry/logger';
import type { ApiParts } from './api-parts.ts';
import { Problem } from './problem.ts';

/** The pool of jobs that name none, and of workers that are told none. */
const DEFAULT_POOL = 'default';

/** What a client posts of a job document. */
export const postedSchema = jobDocumentSchema
  .partial({ version: true, job_id: true, created_at: true, kind: true })
  .extend({ payload: payloadSchema.partial({ type: true }) });

export interface PostedJob {
  readonly job: AcceptedJob;
  /** What was let pass but deserves a look. */
  readonly warnings: readonly string[];
}

/** Reads a posted document as a job of this node's tenant. @throws JobDocumentError */
export function readPostedJob(text: string, { config, clock }: Pick<ApiParts, 'config' | 'clock'>): PostedJob {
  const { document, isIdNew, warnings } = parseJobDocument(text, 'http', { now: clock });
  requireFit(text, document, config.payloadLimitBytes);
  const { tenant, waitSeconds } = config;
  const pool = poolOf(document, DEFAULT_POOL);
  const job = { tenant, pool, document, acceptedAtMs: clock(), waitSeconds, isIdNew };
  return { job, warnings };
}

/** The payload of a job travels through Redis and is kept there while the job waits. */
export function requireFit(text: string, { payload }: Pick<JobDocument, 'payload'>, limitBytes: number): void {
  // a document has at most three bytes for each unit of its text, and one that is small enough need not be written again
  if (text.length * 3 <= limitBytes) return;
  const sizeBytes = Buffer.byteLength(JSON.stringify(payload.data));
  if (sizeBytes <= limitBytes) return;
  throw new Problem(
    'too-large',
    `Cannot accept the job: its payload has ${sizeBytes} bytes, at most ${limitBytes} fit`,
    {
      details: { field: 'payload.data', limit_bytes: limitBytes },
    },
  );
}

/** Told when Redis is away: the job is durable all the same, and the outbox will carry it to the queue. */
export function noteNotEnqueued(logger: Logger): (err: Error) => void {
  return (err) => logger.warn({ err }, 'an accepted job waits for the outbox');
}

export function conflictOf({ field, job: { job_id, status } }: Extract<Acceptance, { outcome: 'conflict' }>): Problem {
  return new Problem(
    'conflict',
    `Cannot accept the job: its ${field} is that of job "${job_id}", which has other content`,
    { details: { field, job_id, status } },
  );
}
