import type { JobRecord } from '@guestkit/core/history/job-history';
import { isFinal } from '@guestkit/core/job/state';
import * as z from 'zod';
import { sendData } from '../answer.ts';
import type { ApiParts } from '../api-parts.ts';
import { Problem } from '../problem.ts';
import { requireJob } from './job-of.ts';
import { dataAnswer, type Route } from './route.ts';

const cancelledSchema = z.object({ job_id: z.string(), status: z.literal('cancelled'), message: z.string() });

/** POST /api/v1/jobs/:id/cancel */
export function cancelJob(parts: ApiParts): Route {
  return {
    method: 'post',
    path: '/api/v1/jobs/:id/cancel',
    id: 'cancelJob',
    summary: 'Ends a job that no worker has started',
    answers: { 200: dataAnswer('The job is cancelled', cancelledSchema) },
    problems: ['not-found', 'conflict'],
    async handle(request, response) {
      const job = await requireJob(parts, request, response);
      refuseUnlessWaiting(job);
      await cancelWaiting(parts, job);
      sendData(response, 200, { job_id: job.job_id, status: 'cancelled', message: 'Job cancelled' });
    },
  };
}

function refuseUnlessWaiting(job: JobRecord): void {
  if (isFinal(job.status)) throw notCancelled(job, `it is already ${job.status}`);
  if (!job.document.execution.cancellable) throw notCancelled(job, 'its document says that it is not cancellable');
  if (job.status !== 'pending') throw runs(job);
}

/** Out of the queue first: a worker must not start what history calls cancelled. */
async function cancelWaiting({ queue, history }: ApiParts, job: JobRecord): Promise<void> {
  const removed = await queue.remove(job, job.job_id);
  if (removed === 'active') throw runs(job);
  if (await history.cancelWaiting(job.tenant, job.job_id, 'cancelled by request')) {
    // accepted but not yet enqueued: the outbox may have done so meanwhile
    if (removed === 'absent') await queue.remove(job, job.job_id);
    return;
  }
  await putBack({ queue, history }, job, removed);
}

/** Between two attempts a job waits in the queue too, but history knows that it has started. */
async function putBack(
  { queue, history }: Pick<ApiParts, 'queue' | 'history'>,
  job: JobRecord,
  removed: 'removed' | 'absent',
): Promise<never> {
  const now = await history.find(job.tenant, job.job_id);
  if (now && isFinal(now.status)) throw notCancelled(now, `it is already ${now.status}`);
  if (removed === 'removed') {
    await queue.enqueue({ ...job, acceptedAtMs: Date.parse(job.submitted_at) });
  }
  throw runs(now ?? job);
}

function runs(job: JobRecord): Problem {
  return notCancelled(job, 'it has started, and jobs that have started cannot be cancelled yet');
}

function notCancelled({ job_id, status }: JobRecord, state: string): Problem {
  return new Problem('conflict', `Cannot cancel job "${job_id}": ${state}`, { details: { job_id, status } });
}
