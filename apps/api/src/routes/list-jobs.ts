import * as z from 'zod';
import { sendData } from '../answer.ts';
import type { ApiParts } from '../api-parts.ts';
import { filterOf, filterShape } from '../job-filter.ts';
import { jobSummarySchema, summaryOf } from '../job-view.ts';
import { badQuery, readQuery, single, wholeNumber } from '../request/query.ts';
import { dataAnswer, type Route } from './route.ts';

const querySchema = z.object({
  ...filterShape,
  limit: single(wholeNumber({ min: 1, max: 1000 }))
    .optional()
    .describe('Jobs in a page, 100 when not given'),
  cursor: single(z.string().min(1)).optional().describe('`next_cursor` of the page before'),
});

const pageSchema = z.object({
  jobs: z.array(jobSummarySchema),
  total: z.int().describe('Jobs that the filters let through, on all pages'),
  next_cursor: z.string().nullable().describe('Null on the last page'),
});

/** GET /api/v1/jobs */
export function listJobs({ history, config }: ApiParts): Route {
  return {
    method: 'get',
    path: '/api/v1/jobs',
    id: 'listJobs',
    summary: 'Jobs, newest first',
    query: querySchema,
    answers: { 200: dataAnswer('A page of jobs', pageSchema) },
    problems: ['bad-request'],
    async handle(request, response) {
      const { limit = 100, cursor, ...filters } = readQuery(request, querySchema);
      const filter = filterOf(config.tenant, filters);
      const [page, total] = await Promise.all([
        history.list(filter, { limit, ...(cursor !== undefined && { cursor }) }).catch(refuseCursor),
        history.count(filter),
      ]);
      sendData(response, 200, { jobs: page.jobs.map(summaryOf), total, next_cursor: page.nextCursor });
    },
  };
}

function refuseCursor(error: unknown): never {
  throw error instanceof RangeError ? badQuery('cursor', 'it is not a cursor of this API') : error;
}
