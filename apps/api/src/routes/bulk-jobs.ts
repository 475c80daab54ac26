import { BULK_VERBS, type BulkVerb } from '@guestkit/core/history/bulk-operations';
import type { JobFilter } from '@guestkit/core/history/job-history';
import { newBulkId } from '@guestkit/core/job/job-id';
import * as z from 'zod';
import { sendData } from '../answer.ts';
import type { ApiParts } from '../api-parts.ts';
import { bulkSchema, bulkViewOf } from '../bulk/bulk-view.ts';
import { eligible } from '../bulk/eligible.ts';
import { filterBodySchema, filterOfBody } from '../job-filter.ts';
import { Problem } from '../problem.ts';
import { authorOf } from '../request/author.ts';
import { readJsonBody } from '../request/json-body.ts';
import { dataAnswer, type Route } from './route.ts';

const bodySchema = z.strictObject({
  verb: z.enum(BULK_VERBS).describe('`retry` makes a new job of each failed one; `purge` deletes ended jobs'),
  filter: filterBodySchema
    .default({})
    .describe('The parameters of the list of jobs, each a text or a list of texts; narrowed to states the verb is for'),
  all: z.boolean().default(false).describe('Asked for with an empty filter'),
  dry_run: z.boolean().default(false).describe('Only count the jobs'),
});

const countSchema = z.object({
  verb: z.enum(BULK_VERBS),
  dry_run: z.literal(true),
  total: z.int().describe('Jobs that match now'),
});

/** POST /api/v1/jobs/bulk */
export function bulkJobs(parts: ApiParts): Route {
  const { config, history } = parts;
  return {
    method: 'post',
    path: '/api/v1/jobs/bulk',
    id: 'bulkJobs',
    summary: 'Cancels, retries or purges all jobs that a filter lets through',
    description:
      'The operation is durable once this is answered, and goes on whatever becomes of a node. ' +
      'It is about the jobs that there are now. The audit log keeps who asked for it.',
    body: bodySchema,
    answers: {
      200: dataAnswer('How many jobs it would be about', countSchema),
      202: dataAnswer('The operation is accepted', bulkSchema, { Location: 'The address of the operation' }),
    },
    problems: ['bad-request', 'too-large', 'unsupported-media-type'],
    async handle(request, response) {
      const { verb, filter: given, all, dry_run } = await readJsonBody(request, bodySchema, config.bodyLimitBytes);
      if (Object.keys(given).length === 0 && !all) throw wantsAll(verb);
      const filter: JobFilter = eligible(verb, filterOfBody(config.tenant, given));
      if (dry_run) return sendData(response, 200, { verb, dry_run, total: await history.count(filter) });
      const { who: requested_by, request_id } = authorOf(request, response, config);
      const asked = { bulk_id: newBulkId(), verb, filter, requested_by, request_id };
      const operation = await history.addBulkOperation(asked);
      sendData(response, 202, bulkViewOf(operation), { location: `/api/v1/bulk/${operation.bulk_id}` });
    },
  };
}

function wantsAll(verb: BulkVerb): Problem {
  return new Problem(
    'bad-request',
    `Cannot ${verb} jobs: the filter is empty, expected one, or "all": true for every job`,
    {
      details: { field: 'filter' },
    },
  );
}
