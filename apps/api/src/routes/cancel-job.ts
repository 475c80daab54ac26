import { type Cancelling, cancelJob as cancel } from '@guestkit/core/history/cancel';
import type { JobRecord } from '@guestkit/core/history/job-history';
import { isFinal } from '@guestkit/core/job/state';
import type { Request } from 'express';
import * as z from 'zod';
import { sendData } from '../answer.ts';
import type { ApiParts } from '../api-parts.ts';
import { Problem } from '../problem.ts';
import { hasNoBody, readJson } from '../request/json-body.ts';
import { requireJob } from './job-of.ts';
import { dataAnswer, type Route } from './route.ts';

const DEFAULT_REASON = 'cancelled by request';
/** A worker takes about this long to end an attempt that ends when it is told to. */
const PATIENCE_MS = 500;
const LOOK_EVERY_MS = 50;
const MAX_REASON_CHARACTERS = 500;

const bodySchema = z.object({
  reason: z.string().max(MAX_REASON_CHARACTERS).optional().describe('Kept with the job as its detail and error'),
});

const cancelledSchema = z.object({
  job_id: z.string(),
  status: z.enum(['cancelled', 'cancelling']),
  message: z.string(),
});

/** POST /api/v1/jobs/:id/cancel */
export function cancelJob(parts: ApiParts): Route {
  const cancelParts = { ...parts, onNotTold: noteNotTold(parts) };
  return {
    method: 'post',
    path: '/api/v1/jobs/:id/cancel',
    id: 'cancelJob',
    summary: 'Ends a job, whether it waits or runs',
    description:
      'The wish is durable once this is answered, and carried out even if workers or Redis cannot be reached now. ' +
      'To ask again is safe.',
    body: bodySchema,
    mayLackBody: true,
    answers: {
      200: dataAnswer('The job is cancelled', cancelledSchema),
      202: dataAnswer('The job will be cancelled: the worker that has it is ending its attempt', cancelledSchema),
    },
    problems: ['bad-request', 'not-found', 'conflict', 'unavailable'],
    async handle(request, response) {
      const reason = await reasonFrom(request, parts.config.bodyLimitBytes);
      const { tenant, job_id } = await requireJob(parts, request, response);
      const cancelling = await cancel(cancelParts, { tenant, jobId: job_id, reason });
      if (cancelling === undefined) throw new Problem('not-found', `Cannot find job "${job_id}": no job has this id`);
      refuseUnlessCancelling(cancelling);
      const isCancelled = cancelling.outcome === 'cancelled' || (await endsSoon(parts, cancelling.job));
      if (isCancelled) sendData(response, 200, { job_id, status: 'cancelled', message: 'Job cancelled' });
      else sendData(response, 202, { job_id, status: 'cancelling', message: 'Job is being cancelled' });
    },
  };
}

function noteNotTold({ logger }: ApiParts): (err: Error) => void {
  return (err) => logger.warn({ err }, 'a job to be cancelled waits for the duty that looks after it');
}

/** A body is not needed. */
async function reasonFrom(request: Request, limitBytes: number): Promise<string> {
  if (hasNoBody(request)) return DEFAULT_REASON;
  const parsed = bodySchema.safeParse(await readJson(request, limitBytes));
  if (parsed.success) return parsed.data.reason ?? DEFAULT_REASON;
  const expected = `{"reason": TEXT} with at most ${MAX_REASON_CHARACTERS} characters`;
  throw new Problem('bad-request', `Cannot read the body: it is not what is asked for here, expected ${expected}`);
}

function refuseUnlessCancelling({ outcome, job }: Cancelling): void {
  if (outcome === 'ended') throw notCancelled(job, `it is already ${job.status}`);
  if (outcome === 'refused') throw notCancelled(job, 'its document says that it is not cancellable');
}

function notCancelled({ job_id, status }: JobRecord, state: string): Problem {
  return new Problem('conflict', `Cannot cancel job "${job_id}": ${state}`, { details: { job_id, status } });
}

/** Another node may be the one that records the end, so this one looks for it, too. */
async function endsSoon({ history, news, stopping }: ApiParts, { tenant, job_id }: JobRecord): Promise<boolean> {
  const untilMs = performance.now() + PATIENCE_MS;
  while (performance.now() < untilMs && !stopping.aborted) {
    await news.next(job_id, LOOK_EVERY_MS, stopping);
    const job = await history.find(tenant, job_id);
    // a worker that was done already has ended it in another way
    if (job && isFinal(job.status) && job.status !== 'cancelled')
      throw notCancelled(job, `it is already ${job.status}`);
    if (job?.status === 'cancelled') return true;
  }
  return false;
}
