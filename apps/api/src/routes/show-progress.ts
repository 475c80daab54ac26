import { once } from 'node:events';
import type { JobRecord } from '@guestkit/core/history/job-history';
import type { Request, Response } from 'express';
import * as z from 'zod';
import { sendData } from '../answer.ts';
import type { ApiParts } from '../api-parts.ts';
import { followJob, readProgress } from '../job-progress.ts';
import { eventOf, jobEventSchema, jobSummarySchema, summaryOf } from '../job-view.ts';
import { Problem } from '../problem.ts';
import { headerOf } from '../request/context.ts';
import { readQuery, single, wholeNumber } from '../request/query.ts';
import { requireJob } from './job-of.ts';
import { dataAnswer, type Route } from './route.ts';

// proxies close connections that stay silent
const KEEP_ALIVE_MS = 15_000;

const querySchema = z.object({
  after: single(wholeNumber({ min: -1, max: Number.MAX_SAFE_INTEGER }))
    .optional()
    .describe('Only events with a larger sequence'),
  limit: single(wholeNumber({ min: 1, max: 1000 }))
    .optional()
    .describe('Events in a list, 1000 when not given'),
});

const headersSchema = z.object({
  'last-event-id': z.string().optional().describe('Where a broken stream goes on; the same as `after`'),
});

const listSchema = z.object({
  job_id: z.string(),
  status: jobSummarySchema.shape.status,
  events: z.array(jobEventSchema),
  next_after: z.int().describe('What to give as `after` for the events that follow'),
});

/** GET /api/v1/jobs/:id/progress */
export function showProgress(parts: ApiParts): Route {
  return {
    method: 'get',
    path: '/api/v1/jobs/:id/progress',
    id: 'getJobProgress',
    summary: 'What happened to a job, as a list or as a stream',
    description:
      'With `Accept: text/event-stream` the answer is a stream of server-sent events: the sequence is the event id, the type is the event name. ' +
      'It ends with an event named `end` that holds the status of the finished job; close the source then.',
    query: querySchema,
    headers: headersSchema,
    answers: {
      200: withStream(dataAnswer('The events so far, or all events as they happen', listSchema)),
    },
    problems: ['bad-request', 'not-found'],
    async handle(request, response) {
      const { after, limit = 1000 } = readQuery(request, querySchema);
      const job = await requireJob(parts, request, response);
      const from = resumedAt(request) ?? after ?? -1;
      if (request.accepts(['application/json', 'text/event-stream']) === 'text/event-stream') {
        return stream(parts, job, { from, response });
      }
      const { events } = await readProgress(parts, job, { after: from, limit });
      const next_after = events.at(-1)?.sequence ?? from;
      sendData(response, 200, { job_id: job.job_id, status: job.status, events: events.map(eventOf), next_after });
    },
  };
}

function withStream(answer: ReturnType<typeof dataAnswer>): ReturnType<typeof dataAnswer> {
  return { ...answer, content: { ...answer.content, 'text/event-stream': z.string() } };
}

function resumedAt(request: Request): number | undefined {
  const id = headerOf(request, 'last-event-id');
  if (id === undefined || id === '') return undefined;
  if (/^\d{1,15}$/.test(id)) return Number(id);
  throw new Problem('bad-request', `Cannot resume after event "${id}": expected the id of an event of this stream`);
}

async function stream(
  parts: ApiParts,
  job: JobRecord,
  { from, response }: { readonly from: number; readonly response: Response },
): Promise<void> {
  const left = new AbortController();
  response.once('close', () => left.abort());
  const signal = AbortSignal.any([left.signal, parts.stopping]);
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    // nginx would collect the stream
    'x-accel-buffering': 'no',
  });
  response.flushHeaders();
  const keepAlive = setInterval(() => response.write(': still here\n\n'), KEEP_ALIVE_MS);
  try {
    await writeEvents(response, followJob(parts, job, { after: from, signal }), signal);
  } finally {
    clearInterval(keepAlive);
    response.end();
  }
}

async function writeEvents(
  response: Response,
  events: ReturnType<typeof followJob>,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const step = await events.next();
    if (step.done) {
      if (step.value) response.write(serverSentEvent('end', summaryOf(step.value)));
      return;
    }
    const text = step.value.map((event) => serverSentEvent(event.type, eventOf(event), event.sequence)).join('');
    // when the client is gone or the node stops, the events end by the same signal
    if (!response.write(text)) await once(response, 'drain', { signal }).catch(() => {});
  }
}

/** JSON has no line breaks, so that one `data` line holds it. */
function serverSentEvent(name: string, content: unknown, id?: number): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(content)}\n\n`;
}
