import type { JobHistory, JobRecord } from '@guestkit/core/history/job-history';
import { type ProgressEvent, sequenceOf } from '@guestkit/core/job/event';
import { sendData } from '../answer.ts';
import type { ApiParts } from '../api-parts.ts';
import { type JobStatus, jobStatusSchema, progressOf, summaryOf } from '../job-view.ts';
import { requireJob } from './job-of.ts';
import { dataAnswer, type Route } from './route.ts';

const EVENTS_PER_READ = 1000;

/** GET /api/v1/jobs/:id */
export function showJob(parts: ApiParts): Route {
  return {
    method: 'get',
    path: '/api/v1/jobs/:id',
    id: 'getJob',
    summary: 'How a job fares: its status, its attempts and its latest progress',
    answers: { 200: dataAnswer('The status of the job', jobStatusSchema) },
    problems: ['not-found'],
    async handle(request, response) {
      sendData(response, 200, await statusOf(await requireJob(parts, request, response), parts.history));
    },
  };
}

async function statusOf(job: JobRecord, history: JobHistory): Promise<JobStatus> {
  const [attempts, progress] = await Promise.all([
    history.attempts(job.tenant, job.job_id),
    latestProgress(job, history),
  ]);
  return { ...summaryOf(job), attempts, progress: progress ? progressOf(progress) : null };
}

/** Reads the events of the latest attempt only: sequences tell where it begins. */
async function latestProgress(job: JobRecord, history: JobHistory): Promise<ProgressEvent | undefined> {
  let latest: ProgressEvent | undefined;
  let after = sequenceOf(Math.max(job.attempt, 1), 0) - 1;
  for (;;) {
    const events = await history.events(job.tenant, job.job_id, { after, limit: EVENTS_PER_READ });
    latest = events.findLast((event) => event.type === 'progress') ?? latest;
    if (events.length < EVENTS_PER_READ) return latest;
    after = events.at(-1)?.sequence ?? after;
  }
}
