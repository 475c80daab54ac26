import { setTimeout as delay } from 'node:timers/promises';
import type { JobRecord } from '@guestkit/core/history/job-history';
import { isFinal } from '@guestkit/core/job/state';
import type { JobQueue } from '@guestkit/core/queue/job-queue';
import * as z from 'zod';
import { sendData } from '../answer.ts';
import type { ApiParts } from '../api-parts.ts';
import { Problem } from '../problem.ts';
import { reach } from '../reach.ts';
import { requireJob } from './job-of.ts';
import { dataAnswer, type Route } from './route.ts';

const RESTORE_PAUSE_MS = 500;

const cancelledSchema = z.object({ job_id: z.string(), status: z.literal('cancelled'), message: z.string() });

/** POST /api/v1/jobs/:id/cancel */
export function cancelJob(parts: ApiParts): Route {
  return {
    method: 'post',
    path: '/api/v1/jobs/:id/cancel',
    id: 'cancelJob',
    summary: 'Ends a job that no worker has started',
    answers: { 200: dataAnswer('The job is cancelled', cancelledSchema) },
    problems: ['not-found', 'conflict', 'unavailable'],
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
async function cancelWaiting(parts: ApiParts, job: JobRecord): Promise<void> {
  const { history, queue } = parts;
  await takeOut(parts, job);
  const isCancelled = await history
    .cancelWaiting(job.tenant, job.job_id, 'cancelled by request')
    .catch(async (error) => {
      await putBack(queue, job);
      throw error;
    });
  if (isCancelled) return;
  const now = (await history.find(job.tenant, job.job_id)) ?? job;
  if (!isFinal(now.status)) await putBack(queue, job);
  refuseUnlessWaiting(now);
  throw runs(now);
}

async function takeOut(parts: ApiParts, job: JobRecord): Promise<void> {
  const removal = removeWaiting(parts.queue, job);
  try {
    await reach('Redis', () => removal);
  } catch (error) {
    // whether Redis did it, or will yet do it, is not known: an accepted job must not get lost over that
    if (error instanceof Problem && error.kind === 'unavailable') void restore(parts, job, removal);
    throw error;
  }
}

async function removeWaiting(queue: JobQueue, job: JobRecord): Promise<void> {
  const outcome = await queue.remove(job, job.job_id);
  if (outcome === 'removed') return;
  if (outcome === 'active') throw runs(job);
  // not there yet, or there no longer and not recorded yet: to add it again changes nothing in the second case
  await putBack(queue, job);
  if ((await queue.remove(job, job.job_id)) !== 'removed') throw runs(job);
}

/** Puts a job back as soon as Redis answers, unless it has ended meanwhile; for one that is still there this changes nothing. */
async function restore({ queue, history, stopping }: ApiParts, job: JobRecord, removal: Promise<void>): Promise<void> {
  await removal.catch(() => {});
  while (!stopping.aborted) {
    try {
      const now = await history.find(job.tenant, job.job_id);
      if (now && !isFinal(now.status)) await putBack(queue, job);
      return;
    } catch {
      await delay(RESTORE_PAUSE_MS, undefined, { signal: stopping }).catch(() => {});
    }
  }
}

async function putBack(queue: JobQueue, { tenant, pool, document, submitted_at, attempt }: JobRecord): Promise<void> {
  // the numbers of attempts go on where they were: history refuses what an earlier one says
  await queue.enqueue({ tenant, pool, document, acceptedAtMs: Date.parse(submitted_at), attemptsBefore: attempt });
}

function runs(job: JobRecord): Problem {
  return notCancelled(job, 'it has started, and jobs that have started cannot be cancelled yet');
}

function notCancelled({ job_id, status }: JobRecord, state: string): Problem {
  return new Problem('conflict', `Cannot cancel job "${job_id}": ${state}`, { details: { job_id, status } });
}
