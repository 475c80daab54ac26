import type { DeadLetter, DeadLetterFilter } from '@guestkit/core/history/dead-letters';
import type { Request, Response } from 'express';
import * as z from 'zod';
import { sendData } from '../answer.ts';
import type { ApiParts } from '../api-parts.ts';
import { deadLetterSchema, deadLetterStatusSchema, letterViewOf } from '../dead-letter-view.ts';
import { filterShape, labelsOf, since, until } from '../job-filter.ts';
import { errorClassSchema } from '../job-view.ts';
import { Problem } from '../problem.ts';
import { authorOf } from '../request/author.ts';
import { contextOf } from '../request/context.ts';
import { pageShape, readQuery, refuseCursor, several } from '../request/query.ts';
import { dataAnswer, type Route } from './route.ts';

const querySchema = z.object({
  class: several(errorClassSchema).optional().describe('Classes of errors; any of these'),
  error: filterShape.error,
  operation: filterShape.operation,
  label: filterShape.label,
  state: several(z.enum(['open', 'requeued']))
    .optional()
    .describe('`open`: nobody has dealt with it yet'),
  died_since: since('Died'),
  died_until: until('Died'),
  ...pageShape('Letters'),
});

const pageSchema = z.object({
  dead_letters: z.array(deadLetterSchema),
  total: z.int().describe('Letters that the filters let through, on all pages'),
  by_class: z.record(z.string(), z.int()).describe('The same for each class'),
  next_cursor: z.string().nullable().describe('Null on the last page'),
});

/** GET /api/v1/dead-letters */
export function listDeadLetters({ history, config }: ApiParts): Route {
  return {
    method: 'get',
    path: '/api/v1/dead-letters',
    id: 'listDeadLetters',
    summary: 'Jobs that failed for good, those that died last first',
    query: querySchema,
    answers: { 200: dataAnswer('A page of dead letters', pageSchema) },
    problems: ['bad-request'],
    async handle(request, response) {
      const { limit = 100, cursor, ...query } = readQuery(request, querySchema);
      const filter = letterFilterOf(config.tenant, query);
      const [page, counts] = await Promise.all([
        history.listDeadLetters(filter, { limit, ...(cursor !== undefined && { cursor }) }).catch(refuseCursor),
        history.countDeadLetters(filter),
      ]);
      sendData(response, 200, {
        dead_letters: page.letters.map(letterViewOf),
        total: [...counts.values()].reduce((sum, count) => sum + count, 0),
        by_class: Object.fromEntries(counts),
        next_cursor: page.nextCursor,
      });
    },
  };
}

/** GET /api/v1/dead-letters/:id */
export function showDeadLetter(parts: ApiParts): Route {
  return {
    method: 'get',
    path: '/api/v1/dead-letters/:id',
    id: 'getDeadLetter',
    summary: 'A job that failed for good, with all its attempts, and what can be edited when it is requeued',
    answers: { 200: dataAnswer('The dead letter', deadLetterStatusSchema) },
    problems: ['not-found'],
    async handle(request, response) {
      const letter = await requireLetter(parts, request, response);
      const { tenant, job_id } = letter;
      const [job, history] = await Promise.all([
        parts.history.find(tenant, job_id),
        parts.history.attempts(tenant, job_id),
      ]);
      const { payload = null, execution = null } = job?.document ?? {};
      sendData(response, 200, { ...letterViewOf(letter), history, payload, execution });
    },
  };
}

const purgedSchema = z.object({ job_id: z.string(), message: z.string() });

/** POST /api/v1/dead-letters/:id/purge */
export function purgeDeadLetter(parts: ApiParts): Route {
  const { history, config } = parts;
  return {
    method: 'post',
    path: '/api/v1/dead-letters/:id/purge',
    id: 'purgeDeadLetter',
    summary: 'Takes a letter away; its job stays as it is',
    answers: { 200: dataAnswer('The letter is gone', purgedSchema) },
    problems: ['not-found'],
    async handle(request, response) {
      const { tenant, job_id } = await requireLetter(parts, request, response);
      if (!(await history.purgeDeadLetter(tenant, job_id))) throw noLetter(job_id);
      const by = authorOf(request, response, config);
      await history.noteAudit({ ...by, tenant, verb: 'dead-letter.purge', target: { job_id }, counts: { purged: 1 } });
      sendData(response, 200, { job_id, message: 'Dead letter purged' });
    },
  };
}

/** The letter that the address names. @throws Problem `not-found` */
async function requireLetter(
  { history, config }: Pick<ApiParts, 'history' | 'config'>,
  request: Request,
  response: Response,
): Promise<DeadLetter> {
  const jobId = String(request.params.id);
  contextOf(response).jobId = jobId;
  const letter = await history.findDeadLetter(config.tenant, jobId);
  if (letter === undefined) throw noLetter(jobId);
  return letter;
}

export function noLetter(jobId: string): Problem {
  return new Problem('not-found', `Cannot find a dead letter of job "${jobId}": there is none`);
}

type Query = Omit<z.output<typeof querySchema>, 'limit' | 'cursor'>;

function letterFilterOf(tenant: string, query: Query): DeadLetterFilter {
  const { class: classes, error, operation, label, state, died_since, died_until } = query;
  return {
    tenant,
    ...(classes && { class: classes }),
    ...(error && { errorCode: error }),
    ...(operation && { operation }),
    ...(label && { labels: labelsOf(label) }),
    ...(state && { state }),
    died: {
      ...(died_since !== undefined && { since: died_since }),
      ...(died_until !== undefined && { until: died_until }),
    },
  };
}
