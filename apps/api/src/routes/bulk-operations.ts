import type { BulkOperation } from '@guestkit/core/history/bulk-operations';
import type { Request } from 'express';
import * as z from 'zod';
import { sendData } from '../answer.ts';
import type { ApiParts } from '../api-parts.ts';
import { bulkSchema, bulkViewOf } from '../bulk/bulk-view.ts';
import { Problem } from '../problem.ts';
import { authorOf } from '../request/author.ts';
import { pageShape, readQuery, refuseCursor } from '../request/query.ts';
import { dataAnswer, type Route } from './route.ts';

const querySchema = z.object(pageShape('Operations'));

/** Those that follow what was asked for by POST /api/v1/jobs/bulk. */
export function bulkOperations(parts: ApiParts): readonly Route[] {
  return [list(parts), show(parts), stop(parts)];
}

function list({ history, config }: ApiParts): Route {
  const pageSchema = z.object({ operations: z.array(bulkSchema), next_cursor: z.string().nullable() });
  return {
    method: 'get',
    path: '/api/v1/bulk',
    id: 'listBulkOperations',
    summary: 'Operations on many jobs, newest first',
    query: querySchema,
    answers: { 200: dataAnswer('A page of operations', pageSchema) },
    problems: ['bad-request'],
    async handle(request, response) {
      const { limit = 100, ...page } = readQuery(request, querySchema);
      const found = await history.listBulkOperations(config.tenant, { limit, ...page }).catch(refuseCursor);
      sendData(response, 200, { operations: found.operations.map(bulkViewOf), next_cursor: found.nextCursor });
    },
  };
}

function show(parts: ApiParts): Route {
  return {
    method: 'get',
    path: '/api/v1/bulk/:id',
    id: 'getBulkOperation',
    summary: 'How far an operation on many jobs is',
    answers: { 200: dataAnswer('The operation', bulkSchema) },
    problems: ['not-found'],
    async handle(request, response) {
      sendData(response, 200, bulkViewOf(await requireOperation(parts, request)));
    },
  };
}

function stop(parts: ApiParts): Route {
  return {
    method: 'post',
    path: '/api/v1/bulk/:id/stop',
    id: 'stopBulkOperation',
    summary: 'Stops an operation on many jobs; what it has done stays done',
    answers: { 200: dataAnswer('It has stopped, or does so when its last batch is through', bulkSchema) },
    problems: ['not-found', 'conflict'],
    async handle(request, response) {
      const { bulk_id, state } = await requireOperation(parts, request);
      const by = authorOf(request, response, parts.config);
      const isStopped = await parts.history.stopBulkOperation(parts.config.tenant, bulk_id, by);
      if (!isStopped) throw new Problem('conflict', `Cannot stop operation "${bulk_id}": it is ${state}`);
      sendData(response, 200, bulkViewOf(await requireOperation(parts, request)));
    },
  };
}

async function requireOperation({ history, config }: ApiParts, request: Request): Promise<BulkOperation> {
  const bulkId = String(request.params.id);
  const operation = await history.findBulkOperation(config.tenant, bulkId);
  if (operation) return operation;
  throw new Problem('not-found', `Cannot find operation "${bulkId}": no operation has this id`);
}
