import * as z from 'zod';
import { sendData } from '../answer.ts';
import type { ApiParts } from '../api-parts.ts';
import { pageShape, readQuery, refuseCursor } from '../request/query.ts';
import { dataAnswer, type Route } from './route.ts';

const querySchema = z.object(pageShape('Entries'));

const entrySchema = z.object({
  time: z.string().meta({ format: 'date-time' }),
  who: z.string().describe('`key:` and the fingerprint of an API key, or `remote:` and an address'),
  request_id: z.string(),
  verb: z.string().describe('Such as `bulk.cancel`, `bulk.cancel.completed`'),
  target: z.record(z.string(), z.unknown()).describe('What it was about: a filter, or ids'),
  counts: z.record(z.string(), z.number()).describe('How many it was about, or what became of them'),
});

/** GET /api/v1/audit */
export function listAudit({ history, config }: ApiParts): Route {
  const pageSchema = z.object({ entries: z.array(entrySchema), next_cursor: z.string().nullable() });
  return {
    method: 'get',
    path: '/api/v1/audit',
    id: 'listAudit',
    summary: 'Who changed many jobs, or dead letters, newest first',
    query: querySchema,
    answers: { 200: dataAnswer('A page of entries', pageSchema) },
    problems: ['bad-request'],
    async handle(request, response) {
      const { limit = 100, ...page } = readQuery(request, querySchema);
      const { entries, nextCursor } = await history.listAudit(config.tenant, { limit, ...page }).catch(refuseCursor);
      sendData(response, 200, { entries: entries.map(({ tenant, ...entry }) => entry), next_cursor: nextCursor });
    },
  };
}
