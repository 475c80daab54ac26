import type { Logger } from '@guestkit/core/telemetry/logger';
import type { Response } from 'express';
import * as z from 'zod';
import { sendData } from '../answer.ts';
import type { ApiParts } from '../api-parts.ts';
import { ITEM_STATUSES, type ItemResult, type ItemStatus, itemResultSchema } from '../batch/item-result.ts';
import { MAX_ITEMS, readItems } from '../batch/read-items.ts';
import { submitItems } from '../batch/submit-items.ts';
import { LiveWorkers } from '../live-workers.ts';
import { postedSchema } from '../posted-job.ts';
import { problemOf } from '../problem.ts';
import { type Answer, dataAnswer, type Route } from './route.ts';

const NDJSON = 'application/x-ndjson';

const summarySchema = z.object({
  counts: z.record(z.enum(ITEM_STATUSES), z.int()),
  stopped: z
    .object({ error: z.string(), message: z.string(), details: z.record(z.string(), z.unknown()).optional() })
    .nullable()
    .describe('Why the batch was not read to its end: documents without a result are not accepted, or not known to be'),
});

const batchSchema = summarySchema.extend({ items: z.array(itemResultSchema) });

/** POST /api/v1/jobs/batch */
export function submitBatch(parts: ApiParts): Route {
  const workers = new LiveWorkers(parts);
  return {
    method: 'post',
    path: '/api/v1/jobs/batch',
    id: 'submitBatch',
    summary: `Accepts up to ${MAX_ITEMS} jobs, each on its own merits`,
    description:
      'The body is an array of documents as for a single job, or a stream of lines with one document each. ' +
      `With \`Accept: ${NDJSON}\` each result is a line, written once its job is durable, and the last line is \`{"summary": …}\`. ` +
      'A stream of lines is committed while it comes, an array once it has come.',
    body: z.array(postedSchema),
    otherBodies: { [NDJSON]: z.string() },
    answers: { 200: withLines(dataAnswer('What became of each document', batchSchema)) },
    problems: ['bad-request', 'too-large', 'unsupported-media-type', 'overloaded'],
    async handle(request, response) {
      const groups = submitItems({ ...parts, workers }, readItems(request, parts.config));
      const isStream = request.accepts(['application/json', NDJSON]) === NDJSON;
      await (isStream ? answerInLines : answerAtOnce)(response, groups, parts.logger);
    },
  };
}

type Groups = ReturnType<typeof submitItems>;

async function answerAtOnce(response: Response, groups: Groups, logger: Logger): Promise<void> {
  const items: ItemResult[] = [];
  const summary = await sumUp(groups, { tell: (results) => items.push(...results), logger });
  sendData(response, 200, { ...summary, items });
}

/**
 * Never waits for the client to read: one that writes all before it reads would wait for us in turn. A batch has a limit, and so
 * has what is written.
 */
async function answerInLines(response: Response, groups: Groups, logger: Logger): Promise<void> {
  const tell = (results: readonly object[]) => {
    if (!response.headersSent) response.writeHead(200, { 'content-type': `${NDJSON}; charset=utf-8` });
    response.write(results.map((result) => `${JSON.stringify(result)}\n`).join(''));
  };
  const summary = await sumUp(groups, { tell, logger });
  tell([{ summary }]);
  response.end();
}

type Summary = z.input<typeof summarySchema>;

/** Tells the results group by group. What stops the batch at its first group is thrown: nothing is accepted then. */
async function sumUp(
  groups: Groups,
  { tell, logger }: { readonly tell: (results: readonly ItemResult[]) => void; readonly logger: Logger },
): Promise<Summary> {
  const counts = { created: 0, duplicate: 0, conflict: 0, invalid: 0, failed: 0 } satisfies Record<ItemStatus, number>;
  let isAnyTold = false;
  try {
    for await (const results of groups) {
      for (const { status } of results) counts[status] += 1;
      tell(results);
      isAnyTold = true;
    }
  } catch (error) {
    if (!isAnyTold) throw error;
    logger.warn({ err: error }, 'a batch was not read to its end');
    return { counts, stopped: problemOf(error).body };
  }
  return { counts, stopped: null };
}

function withLines(answer: Answer): Answer {
  return { ...answer, content: { ...answer.content, [NDJSON]: z.string() } };
}
