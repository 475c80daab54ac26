import { printable } from '@guestkit/operations/report/printable';
import { ApiClient } from './api-client.ts';
import { type ChangeOptions, changeEach, changeJobs } from './change-jobs.ts';
import { jobPath } from './job.ts';

interface Retried {
  /** The new job. */
  readonly job_id: string;
  readonly status: string;
  readonly requeued_from: string;
}

export interface RetryOptions extends ChangeOptions {
  readonly failed?: true;
}

const FAILED_STATES = ['failed', 'timeout'];

export async function retry(ids: readonly string[], options: RetryOptions): Promise<void> {
  if (ids.length === 0) return changeJobs('retry', options, options.failed && { status: FAILED_STATES });
  const client = new ApiClient(options);
  const change = (id: string) => client.post<Retried>(`retry job "${id}"`, jobPath(id, '/retry'), '{}');
  const describe = ({ job_id, requeued_from }: Retried) => `${printable(`${requeued_from} goes on as ${job_id}`)}\n`;
  await changeEach('retry', { ids, change, describe }, options);
}
