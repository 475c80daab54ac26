import { renderTable } from '@guestkit/operations/report/table';
import { print } from '../output/print.ts';
import { ApiClient } from './api-client.ts';
import type { ListOptions } from './guestkit-worker.ts';
import type { JobStatus } from './job.ts';
import { filterOf } from './job-filter.ts';

interface JobList {
  readonly jobs: readonly JobStatus[];
  readonly total?: number;
  readonly total_is_exact?: boolean;
  readonly by_status?: Readonly<Record<string, { readonly jobs: number; readonly is_exact: boolean }>>;
  readonly next_cursor: string | null;
}

export async function list(options: ListOptions): Promise<void> {
  const client = new ApiClient(options);
  const { sort, count, limit } = options;
  const query = { ...filterOf(options), sort, count, limit: Math.min(limit, MAX_PAGE) };
  let list = await client.get<JobList>('list jobs', '/api/v1/jobs', query);
  // a page may hold fewer jobs than asked for though more follow
  for (let { jobs, next_cursor } = list; jobs.length < limit && next_cursor !== null; ) {
    const more = {
      ...query,
      cursor: next_cursor,
      limit: Math.min(limit - jobs.length, MAX_PAGE),
      count: 'none',
    };
    const page = await client.get<JobList>('list jobs', '/api/v1/jobs', more);
    jobs = [...jobs, ...page.jobs];
    next_cursor = page.next_cursor;
    list = { ...list, jobs, next_cursor };
  }
  await print(options.output, list, render);
}

/** What the API gives at once. */
const MAX_PAGE = 1_000;

function render({ jobs, total = jobs.length, total_is_exact = true, by_status = {} }: JobList): string {
  const counts = Object.entries(by_status).map(
    ([status, { jobs, is_exact }]) => `${status}: ${jobs}${is_exact ? '' : '+'}\n`,
  );
  if (jobs.length === 0) return `No jobs\n${counts.join('')}`;
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
  const share = jobs.length < total ? `${jobs.length} of ${total}${total_is_exact ? '' : ' or more'} jobs\n` : '';
  return `${table}${share}${counts.join('')}`;
}
