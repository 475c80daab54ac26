import type { Acceptance } from '@guestkit/core/history/job-history';
import { submitJob as submit } from '@guestkit/core/history/submit';
import type { JobDocument } from '@guestkit/core/job/document';
import type { Response } from 'express';
import * as z from 'zod';
import { admissionWarnings } from '../admission.ts';
import { sendData } from '../answer.ts';
import type { ApiParts } from '../api-parts.ts';
import { LiveWorkers } from '../live-workers.ts';
import { conflictOf, noteNotEnqueued, postedSchema, readPostedJob } from '../posted-job.ts';
import { readJsonText } from '../request/body.ts';
import { contextOf } from '../request/context.ts';
import { dataAnswer, type Route } from './route.ts';

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
    busy: true,
    summary: 'Accepts a job: once this is answered, the job is durable',
    description:
      'The body is a job document of protocol v1. `operation` and `payload` suffice; the rest is filled in. ' +
      'An image is `{path, format, checksum?, allow_format_override?}`: `format` is checked against the content unless the last is true. ' +
      'Posting a job again under its `job_id` or idempotency key is safe: the answer names the first job, and none is added.',
    body: postedSchema,
    answers: {
      200: dataAnswer('The same job was accepted before', submittedSchema, location),
      202: dataAnswer('The job is accepted', submittedSchema, location),
    },
    problems: ['bad-request', 'invalid-job', 'conflict', 'too-large', 'unsupported-media-type', 'overloaded'],
    async handle(request, response) {
      const text = await readJsonText(request, parts.config.bodyLimitBytes);
      parts.gate.admit(1);
      const { job, warnings } = readPostedJob(text, parts);
      nameRequest(response, job.document);
      const live = await workers.list();
      const submission = await submit(submitParts, job);
      parts.metrics.jobsAccepted.inc({ outcome: submission.outcome });
      answer(response, submission, [...warnings, ...(live ? admissionWarnings(job, live) : [])]);
    },
  };
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
  if (outcome === 'conflict') throw conflictOf(acceptance);
  const submitted = {
    job_id: job.job_id,
    status: 'submitted',
    message: MESSAGES[outcome],
    ...(outcome === 'duplicate' && { duplicate: true }),
    ...(warnings.length > 0 && { warnings }),
  };
  sendData(response, outcome === 'created' ? 202 : 200, submitted, { location: `/api/v1/jobs/${job.job_id}` });
}
