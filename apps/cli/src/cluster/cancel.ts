import { printable } from '@guestkit/operations/report/printable';
import { print } from '../output/print.ts';
import { ApiClient } from './api-client.ts';
import type { CancelOptions } from './guestkit-worker.ts';
import { jobPath } from './job.ts';

interface Cancelled {
  readonly job_id: string;
  readonly status: string;
}

export async function cancel(id: string, options: CancelOptions): Promise<void> {
  const body = JSON.stringify({ reason: options.reason });
  const answer = await new ApiClient(options).post<Cancelled>(`cancel job "${id}"`, jobPath(id, '/cancel'), body);
  await print(options.output, answer, ({ job_id, status }) => `${printable(`${job_id} is ${status}`)}\n`);
}
