import { type Requeue, type RequeueEdits, requeueDeadLetter as requeue } from '@guestkit/core/history/requeue';
import type { Request, Response } from 'express';
import * as z from 'zod';
import { sendData } from '../answer.ts';
import type { ApiParts } from '../api-parts.ts';
import { conflictOf, noteNotEnqueued, requireFit } from '../posted-job.ts';
import { Problem } from '../problem.ts';
import { authorOf } from '../request/author.ts';
import { contextOf } from '../request/context.ts';
import { hasNoBody, readJsonBody } from '../request/json-body.ts';
import { noLetter } from './dead-letters.ts';
import { dataAnswer, type Route } from './route.ts';

const members = z.record(z.string(), z.unknown());

const editsSchema = z.strictObject({
  payload: members.optional().describe('Members to be other than they were; `data` is replaced whole'),
  execution: members.optional().describe('Members to be other than they were; null takes one out'),
});

const requeuedSchema = z.object({
  job_id: z.string().describe('The new job'),
  requeued_from: z.string(),
  status: z.literal('submitted'),
  message: z.string(),
  duplicate: z.literal(true).optional().describe('It was requeued before'),
  warnings: z.array(z.string()).optional().describe('What was let pass but deserves a look'),
});

const location = { Location: 'The address of the new job' };

/** POST /api/v1/dead-letters/:id/requeue */
export function requeueDeadLetter(parts: ApiParts): Route {
  const requeueParts = { ...parts, onNotEnqueued: noteNotEnqueued(parts.logger) };
  const { tenant } = parts.config;
  return {
    method: 'post',
    path: '/api/v1/dead-letters/:id/requeue',
    id: 'requeueDeadLetter',
    summary: 'Makes a new job of one that failed for good',
    description:
      'The new job names the old one in the annotation `guestkit.dev/requeued-from`, and has no idempotency key unless it is given one. ' +
      'One letter makes one job: asked again, the answer names that. A body may be left out.',
    body: editsSchema,
    answers: {
      200: dataAnswer('It was requeued before', requeuedSchema, location),
      202: dataAnswer('The new job is accepted', requeuedSchema, location),
    },
    problems: [
      'bad-request',
      'invalid-job',
      'not-found',
      'conflict',
      'too-large',
      'unsupported-media-type',
      'overloaded',
    ],
    async handle(request, response) {
      const jobId = String(request.params.id);
      contextOf(response).jobId = jobId;
      const edits = await readEdits(request, parts.config);
      parts.gate.admit(1);
      const requeued = await requeue(requeueParts, { tenant, jobId }, edits);
      if (requeued.kind === 'no-letter') throw noLetter(jobId);
      if (requeued.kind === 'refused') throw refused(jobId, requeued.reason);
      if (requeued.submission.outcome === 'created') await noteRequeue(parts, request, response, requeued);
      answer(response, jobId, requeued);
    },
  };
}

/** POST /api/v1/jobs/:id/retry */
export function retryJob(parts: ApiParts): Route {
  const summary = 'Makes a new job of one that failed for good: requeues its dead letter';
  return { ...requeueDeadLetter(parts), path: '/api/v1/jobs/:id/retry', id: 'retryJob', summary };
}

type Limits = Pick<ApiParts['config'], 'bodyLimitBytes' | 'payloadLimitBytes'>;
type Requeued = Extract<Requeue, { readonly kind: 'requeued' }>;

async function readEdits(request: Request, limits: Limits): Promise<RequeueEdits> {
  if (hasNoBody(request)) return {};
  const { payload, execution } = await readJsonBody(request, editsSchema, limits.bodyLimitBytes);
  const data = payload?.data ?? null;
  requireFit(JSON.stringify(data), { payload: { type: '', data } }, limits.payloadLimitBytes);
  return { ...(payload && { payload }), ...(execution && { execution }) };
}

async function noteRequeue(
  { history, metrics, config }: ApiParts,
  request: Request,
  response: Response,
  { submission }: Requeued,
): Promise<void> {
  metrics.jobsAccepted.inc({ outcome: submission.outcome });
  const target = { job_id: String(request.params.id), requeued_as: submission.job.job_id };
  const by = { ...authorOf(request, response, config), tenant: config.tenant };
  await history.noteAudit({ ...by, verb: 'dead-letter.requeue', target, counts: { requeued: 1 } });
}

function answer(response: Response, jobId: string, { submission, warnings }: Requeued): void {
  if (submission.outcome === 'conflict') throw conflict(jobId, submission);
  const isNew = submission.outcome === 'created';
  const { job_id } = submission.job;
  const requeued = {
    ...{ job_id, requeued_from: jobId, status: 'submitted' },
    message: isNew ? 'Job requeued' : 'Job was requeued before',
    ...(!isNew && { duplicate: true }),
    ...(warnings.length > 0 && { warnings }),
  };
  sendData(response, isNew ? 202 : 200, requeued, { location: `/api/v1/jobs/${job_id}` });
}

function conflict(jobId: string, submission: Extract<Requeued['submission'], { outcome: 'conflict' }>): Problem {
  if (submission.field !== 'job_id') return conflictOf(submission);
  return refused(jobId, `it was requeued as job "${submission.job.job_id}", with other content`);
}

function refused(job_id: string, reason: string): Problem {
  return new Problem('conflict', `Cannot requeue job "${job_id}": ${reason}`, { details: { job_id } });
}
