import type { ArtifactRecord } from '@guestkit/core/history/artifact-ledger';
import type { Response } from 'express';
import * as z from 'zod';
import { sendData } from '../answer.ts';
import type { ApiParts } from '../api-parts.ts';
import { requireArtifact } from '../job-artifact.ts';
import { Problem } from '../problem.ts';
import { sendStream } from '../stream-answer.ts';
import { requireJob } from './job-of.ts';
import { dataAnswer, type Route } from './route.ts';

const artifactSchema = z.object({
  name: z.string(),
  attempt: z.int(),
  size_bytes: z.int(),
  sha256: z.string(),
  media_type: z.string(),
  created_at: z.string(),
});

/** GET /api/v1/jobs/:id/artifacts */
export function listArtifacts(parts: ApiParts): Route {
  return {
    method: 'get',
    path: '/api/v1/jobs/:id/artifacts',
    id: 'listJobArtifacts',
    summary: 'The files that a job produced',
    answers: { 200: dataAnswer('The artifacts, by name', z.object({ artifacts: z.array(artifactSchema) })) },
    problems: ['not-found'],
    async handle(request, response) {
      const { tenant, job_id } = await requireJob(parts, request, response);
      const artifacts = await parts.history.artifacts(tenant, job_id);
      sendData(response, 200, { artifacts: artifacts.map(viewOf) });
    },
  };
}

/** GET /api/v1/jobs/:id/artifacts/:name */
export function showArtifact(parts: ApiParts): Route {
  return {
    method: 'get',
    path: '/api/v1/jobs/:id/artifacts/:name',
    id: 'getJobArtifact',
    summary: 'A file that a job produced',
    description:
      'An answer that is shorter than its `Content-Length` is damaged: the store held something else than was put there.',
    answers: {
      200: {
        meaning: 'The content',
        content: { 'application/json': z.unknown(), 'application/octet-stream': z.string() },
        headers: { ETag: 'The SHA-256 of the content' },
      },
    },
    problems: ['not-found'],
    async handle(request, response) {
      const { tenant, job_id } = await requireJob(parts, request, response);
      const name = String(request.params.name);
      const artifact = (await parts.history.artifacts(tenant, job_id)).find((known) => known.name === name);
      if (artifact === undefined) throw noArtifact(job_id, name);
      await send(parts, artifact, response, request.method === 'HEAD');
    },
  };
}

async function send(parts: ApiParts, artifact: ArtifactRecord, response: Response, isHead: boolean): Promise<void> {
  const headers = {
    'content-type': artifact.media_type,
    'content-length': artifact.size_bytes,
    'content-disposition': `attachment; filename="${artifact.name}"`,
    etag: `"${artifact.sha256}"`,
  };
  if (isHead) response.writeHead(200, headers).end();
  else await sendStream(response, headers, await requireArtifact(parts, artifact));
}

function viewOf({ key, encoding, ...view }: ArtifactRecord) {
  return view;
}

function noArtifact(job_id: string, name: string): Problem {
  return new Problem('not-found', `Cannot show artifact "${name}": job "${job_id}" has none of this name`, {
    details: { job_id },
  });
}
