import type { JobRecord } from '@guestkit/core/history/job-history';
import type { ResultDocument } from '@guestkit/core/job/result';
import { isFinal } from '@guestkit/core/job/state';
import type { Response } from 'express';
import * as z from 'zod';
import { sendData } from '../answer.ts';
import type { ApiParts } from '../api-parts.ts';
import { requireArtifact } from '../job-artifact.ts';
import { jobErrorSchema } from '../job-view.ts';
import { Problem } from '../problem.ts';
import { sendStream } from '../stream-answer.ts';
import { requireJob } from './job-of.ts';
import { dataAnswer, type Route } from './route.ts';

const count = z.number().min(0).optional();

const resultSchema = z.object({
  job_id: z.string(),
  worker_id: z.string(),
  status: z.enum(['completed', 'failed', 'cancelled', 'timeout']),
  completed_at: z.string().optional(),
  failed_at: z.string().optional(),
  execution_summary: z.object({
    started_at: z.string(),
    duration_seconds: z.int(),
    duration_ms: z.number(),
    attempt: z.int(),
    idempotency_key: z.string().optional(),
    cached: z
      .object({ from_job: z.string(), age_seconds: z.int() })
      .optional()
      .describe('The result is that of an earlier job: its images have not changed since'),
  }),
  outputs: z.object({ primary: z.string().optional(), artifacts: z.array(z.string()).optional() }).optional(),
  metrics: z
    .object({
      disk_read_bytes: count,
      disk_write_bytes: count,
      peak_memory_mb: count,
      cpu_seconds: count,
      source: z.object({ bytes_fetched: count, requests: count, cache_hits: count, retries: count }).partial(),
    })
    .optional(),
  error: jobErrorSchema.optional(),
  observability: z.record(z.string(), z.string()).optional(),
  data: z.unknown().optional().describe("The operation's own result"),
});

/** GET /api/v1/jobs/:id/result */
export function showResult(parts: ApiParts): Route {
  return {
    method: 'get',
    path: '/api/v1/jobs/:id/result',
    id: 'getJobResult',
    summary: 'The result document of a finished job',
    answers: { 200: dataAnswer('The result', resultSchema) },
    problems: ['not-found'],
    async handle(request, response) {
      const job = await requireJob(parts, request, response);
      const result = await parts.history.result(job.tenant, job.job_id);
      if (result === undefined) throw noResult(job);
      await sendResult(parts, result, { response, isHead: request.method === 'HEAD' });
    },
  };
}

/** The data of a large result lie in the artifact store, and take their place in the document on the way to the client. */
async function sendResult(
  parts: ApiParts,
  { data_artifact, ...result }: ResultDocument,
  { response, isHead }: { readonly response: Response; readonly isHead: boolean },
): Promise<void> {
  if (data_artifact === undefined) return sendData(response, 200, result);
  const before = Buffer.from(`${JSON.stringify({ success: true, data: result }).slice(0, -2)},"data":`);
  const after = Buffer.from('}}');
  const headers = {
    'content-type': 'application/json; charset=utf-8',
    'content-length': before.length + data_artifact.size_bytes + after.length,
  };
  if (isHead) return void response.writeHead(200, headers).end();
  await sendStream(response, headers, enclosed(before, await requireArtifact(parts, data_artifact), after));
}

async function* enclosed(
  before: Uint8Array,
  content: AsyncIterable<Uint8Array>,
  after: Uint8Array,
): AsyncIterable<Uint8Array> {
  yield before;
  yield* content;
  yield after;
}

function noResult({ job_id, status }: JobRecord): Problem {
  const state = isFinal(status) ? 'it ended without one' : 'it is not finished';
  return new Problem('not-found', `Cannot show the result of job "${job_id}": ${state}, its status is ${status}`, {
    details: { job_id, status },
  });
}
