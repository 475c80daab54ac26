import type { JobRecord } from '@guestkit/core/history/job-history';
import { isJobId } from '@guestkit/core/job/job-id';
import type { Request, Response } from 'express';
import type { ApiParts } from '../api-parts.ts';
import { Problem } from '../problem.ts';
import { contextOf } from '../request/context.ts';

/** The job that the address names. @throws Problem `not-found` */
export async function requireJob(
  { history, config }: Pick<ApiParts, 'history' | 'config'>,
  request: Request,
  response: Response,
): Promise<JobRecord> {
  const jobId = String(request.params.id);
  const context = contextOf(response);
  context.jobId = jobId;
  const job = isJobId(jobId) ? await history.find(config.tenant, jobId) : undefined;
  if (job === undefined) throw new Problem('not-found', `Cannot find job "${jobId}": no job has this id`);
  context.correlationId = job.document.observability?.correlation_id;
  context.traceId = job.document.observability?.trace_id ?? context.traceId;
  return job;
}
