import { printable } from '@guestkit/operations/report/printable';
import { print } from '../output/print.ts';
import { ApiClient } from './api-client.ts';
import type { StatusOptions } from './guestkit-worker.ts';
import { fetchStatus, type JobStatus } from './job.ts';
import { watchJob } from './watch.ts';

export async function status(id: string, options: StatusOptions): Promise<void> {
  const client = new ApiClient(options);
  const job = options.watch ? await watchJob(client, id) : await fetchStatus(client, id);
  await print(options.output, job, render);
}

function render(job: JobStatus): string {
  const lines: readonly (readonly [string, string | number | null])[] = [
    ['job', job.job_id],
    ['name', job.name],
    ['operation', job.operation],
    ['status', job.detail === null ? job.status : `${job.status} (${job.detail})`],
    ['attempt', job.attempt],
    ['worker', job.worker_id],
    ['submitted', job.submitted_at],
    ['started', job.started_at],
    ['ended', job.completed_at],
    ['error', job.error && `${job.error.code}: ${job.error.message}`],
  ];
  const shown = lines.filter(([, value]) => value !== null);
  return shown.map(([name, value]) => `${`${name}:`.padEnd(12)}${printable(String(value))}\n`).join('');
}
