import type { JobHistory } from '@guestkit/core/history/job-history';
import { type BoundedCount, JOB_SORT_KEYS, type JobFilter, type JobSort } from '@guestkit/core/history/job-search';
import { JOB_STATES } from '@guestkit/core/job/state';
import * as z from 'zod';
import { sendData } from '../answer.ts';
import type { ApiParts } from '../api-parts.ts';
import { filterOf, filterShape } from '../job-filter.ts';
import { jobSummarySchema, summaryOf } from '../job-view.ts';
import { pageShape, readQuery, refuseCursor, several, single } from '../request/query.ts';
import { dataAnswer, type Route } from './route.ts';

const SORTS = JOB_SORT_KEYS.flatMap((key) => [key, `-${key}`] as const);

const querySchema = z.object({
  ...filterShape,
  sort: single(z.enum(SORTS))
    .optional()
    .describe(
      'What to go by, descending with a minus; `-submitted_at` when not given. What a job does not have yet comes first',
    ),
  count: several(z.enum(['some', 'exact', 'status', 'none']))
    .optional()
    .describe(
      '`some` (when not given): `total` as far as can be told quickly; `exact`: however long it takes; `none`: no `total`; ' +
        '`status`: `by_status` too, as far as can be told quickly',
    ),
  ...pageShape('Jobs'),
});

const pageSchema = z.object({
  jobs: z.array(jobSummarySchema).describe('May be fewer than the limit, even none, though there is a next page'),
  total: z.int().optional().describe('Jobs that the filters let through, on all pages'),
  total_is_exact: z.boolean().optional().describe('False: there are at least so many'),
  by_status: z
    .partialRecord(z.enum(JOB_STATES), z.object({ jobs: z.int(), is_exact: z.boolean() }))
    .optional()
    .describe('The same for each state that the filters let through'),
  next_cursor: z.string().nullable().describe('Null on the last page'),
});

/** GET /api/v1/jobs */
export function listJobs({ history, config }: ApiParts): Route {
  return {
    method: 'get',
    path: '/api/v1/jobs',
    id: 'listJobs',
    summary: 'Jobs by filter and sort, page by page',
    query: querySchema,
    answers: { 200: dataAnswer('A page of jobs', pageSchema) },
    problems: ['bad-request'],
    async handle(request, response) {
      const { limit = 100, cursor, sort = '-submitted_at', count = [], ...filters } = readQuery(request, querySchema);
      const filter = filterOf(config.tenant, filters);
      const page = { limit, sort: sortOf(sort), ...(cursor !== undefined && { cursor }) };
      const [{ jobs, nextCursor }, counts] = await Promise.all([
        history.list(filter, page).catch(refuseCursor),
        countsOf(history, filter, count),
      ]);
      sendData(response, 200, { jobs: jobs.map(summaryOf), ...counts, next_cursor: nextCursor });
    },
  };
}

function sortOf(text: (typeof SORTS)[number]): JobSort {
  const by = text.replace(/^-/, '') as JobSort['by'];
  return { by, descending: text.startsWith('-') };
}

async function countsOf(history: JobHistory, filter: JobFilter, count: readonly string[]) {
  const total = count.includes('none') ? undefined : await totalOf(history, filter, count.includes('exact'));
  const states = count.includes('status') ? await history.countByStatus(filter) : undefined;
  return {
    ...(total && { total: total.jobs, total_is_exact: total.isExact }),
    ...(states && {
      by_status: Object.fromEntries(
        Object.entries(states).map(([status, { jobs, isExact }]) => [status, { jobs, is_exact: isExact }]),
      ),
    }),
  };
}

async function totalOf(history: JobHistory, filter: JobFilter, isExact: boolean): Promise<BoundedCount> {
  return isExact ? { jobs: await history.count(filter), isExact } : history.countSome(filter);
}
