import type { Acceptance, AcceptedJob, JobRecord } from '@guestkit/core/history/job-history';
import { type JobDocument, jobDocumentSchema, payloadSchema } from '@guestkit/core/job/document';
import { parseJobDocument } from '@guestkit/core/job/parse';
import { poolOf } from '@guestkit/core/job/pool';
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
      const pool = poolOf(document, DEFAULT_POOL);
      const live = await workers.list();
      const acceptance = await accept(parts, {
        tenant: parts.config.tenant,
        pool,
        document,
        acceptedAtMs: parts.clock(),
      });
      answer(response, acceptance, [...warnings, ...(live ? admissionWarnings({ document, pool }, live) : [])]);
    },
  };
}

function nameRequest(response: Response, { job_id, observability }: JobDocument): void {
  const context = contextOf(response);
  context.jobId = job_id;
  context.correlationId = observability?.correlation_id;
  context.traceId = observability?.trace_id ?? context.traceId;
}

async function accept({ history, queue, logger, metrics }: ApiParts, job: AcceptedJob): Promise<Acceptance> {
  const acceptance = await history.accept(job);
  metrics.jobsAccepted.inc({ outcome: acceptance.outcome });
  if (acceptance.outcome !== 'created') return acceptance;
  try {
    await queue.enqueue(job);
    await history.markEnqueued(job.tenant, [job.document.job_id]);
  } catch (err) {
    // the job is durable: the outbox adds it when Redis is back
    logger.warn({ err, job_id: job.document.job_id }, 'accepted job is not enqueued yet');
  }
  return acceptance;
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
