import { printable } from '@guestkit/operations/report/printable';
import { ApiClient } from './api-client.ts';
import { type ChangeOptions, changeEach, changeJobs } from './change-jobs.ts';
import { jobPath } from './job.ts';

interface Cancelled {
  readonly job_id: string;
  readonly status: string;
}

export interface CancelOptions extends ChangeOptions {
  readonly reason?: string;
}

export async function cancel(ids: readonly string[], options: CancelOptions): Promise<void> {
  if (ids.length === 0) return changeJobs('cancel', options);
  const client = new ApiClient(options);
  const body = JSON.stringify({ reason: options.reason });
  const change = (id: string) => client.post<Cancelled>(`cancel job "${id}"`, jobPath(id, '/cancel'), body);
  const describe = ({ job_id, status }: Cancelled) => `${printable(`${job_id} is ${status}`)}\n`;
  await changeEach('cancel', { ids, change, describe }, options);
}
