import { renderTable } from '@guestkit/operations/report/table';
import { print } from '../output/print.ts';
import { ApiClient } from './api-client.ts';
import type { ListOptions } from './guestkit-worker.ts';
import type { JobStatus } from './job.ts';
import { filterOf } from './job-filter.ts';

interface JobList {
  readonly jobs: readonly JobStatus[];
  readonly total: number;
}

export async function list(options: ListOptions): Promise<void> {
  const query = { ...filterOf(options), limit: options.limit };
  const jobs = await new ApiClient(options).get<JobList>('list jobs', '/api/v1/jobs', query);
  await print(options.output, jobs, render);
}

function render({ jobs, total }: JobList): string {
  if (jobs.length === 0) return 'No jobs\n';
  const table = renderTable<JobStatus>(
    [
      { title: 'JOB', cell: (job) => job.job_id },
      { title: 'OPERATION', cell: (job) => job.operation },
      { title: 'STATUS', cell: (job) => job.status },
      { title: 'ATTEMPT', align: 'right', cell: (job) => job.attempt },
      { title: 'SUBMITTED', cell: (job) => job.submitted_at },
      { title: 'WORKER', cell: (job) => job.worker_id },
      { title: 'NAME', cell: (job) => job.name },
    ],
    jobs,
  );
  return jobs.length < total ? `${table}${jobs.length} of ${total} jobs\n` : table;
}
