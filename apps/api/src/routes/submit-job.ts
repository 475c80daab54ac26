import type { Acceptance, JobRecord } from '@guestkit/core/history/job-history';
import { submitJob as submit } from '@guestkit/core/history/submit';
import { type JobDocument, jobDocumentSchema, payloadSchema } from '@guestkit/core/job/document';
import { parseJobDocument } from '@guestkit/core/job/parse';
import { poolOf } from '@guestkit/core/job/pool';
import type { Logger } from '@guestkit/core/telemetry/logger';
import type { Response } from 'express';
import * as z from 'zod';
import { admissionWarnings } from '../admission.ts';
import { sendData } from '../answer.ts';
import type { ApiParts } from '../api-parts.ts';
import { LiveWorkers } from '../live-workers.ts';
import { Problem } from '../problem.ts';
import { readJsonText } from '../request/body.ts';
import { contextOf } from '../request/context.ts';
import { dataAnswer, type Route } from './route.ts';

/** The pool of jobs that name none, and of workers that are told none. */
const DEFAULT_POOL = 'default';

const postedSchema = jobDocumentSchema
  .partial({ version: true, job_id: true, created_at: true, kind: true })
  .extend({ payload: payloadSchema.partial({ type: true }) });

const submittedSchema = z.object({
  job_id: z.string(),
  status: z.literal('submitted'),
  message: z.string(),
  duplicate: z.literal(true).optional().describe('It was accepted before'),
  warnings: z.array(z.string()).optional().describe('What was let pass but deserves a look'),
});

const location = { Location: 'The address of the job' };

/** POST /api/v1/jobs */
export function submitJob(parts: ApiParts): Route {
  const workers = new LiveWorkers(parts);
  const submitParts = { ...parts, onNotEnqueued: noteNotEnqueued(parts.logger) };
  return {
    method: 'post',
    path: '/api/v1/jobs',
    id: 'submitJob',
    summary: 'Accepts a job: once this is answered, the job is durable',
    description:
      'The body is a job document of protocol v1. `operation` and `payload` suffice; the rest is filled in. ' +
      'Posting a job again under its `job_id` or idempotency key is safe: the answer names the first job, and none is added.',
    body: postedSchema,
    answers: {
      200: dataAnswer('The same job was accepted before', submittedSchema, location),
      202: dataAnswer('The job is accepted', submittedSchema, location),
    },
    problems: ['bad-request', 'invalid-job', 'conflict', 'too-large', 'unsupported-media-type'],
    async handle(request, response) {
      const text = await readJsonText(request, parts.config.bodyLimitBytes);
      const { document, warnings } = parseJobDocument(text, 'http', { now: parts.clock });
      nameRequest(response, document);
      const job = { tenant: parts.config.tenant, pool: poolOf(document, DEFAULT_POOL), document };
      const live = await workers.list();
      const submission = await submit(submitParts, { ...job, acceptedAtMs: parts.clock() });
      parts.metrics.jobsAccepted.inc({ outcome: submission.outcome });
      answer(response, submission, [...warnings, ...(live ? admissionWarnings(job, live) : [])]);
    },
  };
}

/** Told when Redis is away: the job is durable all the same, and the outbox will carry it to the queue. */
function noteNotEnqueued(logger: Logger): (err: Error) => void {
  return (err) => logger.warn({ err }, 'an accepted job waits for the outbox');
}

function nameRequest(response: Response, { job_id, observability }: JobDocument): void {
  const context = contextOf(response);
  context.jobId = job_id;
  context.correlationId = observability?.correlation_id;
  context.traceId = observability?.trace_id ?? context.traceId;
}

const MESSAGES = {
  created: 'Job submitted successfully',
  duplicate: 'Job was submitted before',
} as const;

function answer(response: Response, acceptance: Acceptance, warnings: readonly string[]): void {
  const { outcome, job } = acceptance;
  if (outcome === 'conflict') throw conflict(acceptance.field, job);
  const submitted = {
    job_id: job.job_id,
    status: 'submitted',
    message: MESSAGES[outcome],
    ...(outcome === 'duplicate' && { duplicate: true }),
    ...(warnings.length > 0 && { warnings }),
  };
  sendData(response, outcome === 'created' ? 202 : 200, submitted, { location: `/api/v1/jobs/${job.job_id}` });
}

function conflict(field: 'job_id' | 'execution.idempotency_key', { job_id, status }: JobRecord): Problem {
  return new Problem(
    'conflict',
    `Cannot accept the job: its ${field} is that of job "${job_id}", which has other content`,
    {
      details: { field, job_id, status },
    },
  );
}
