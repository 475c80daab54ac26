import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { eventually } from '../testing/eventually.ts';
import { startTestNode } from '../testing/node.ts';
import { setStage } from '../testing/stage.ts';

type Line = Readonly<Record<string, unknown>>;

const lines: Line[] = [];
const log = { write: (line: string) => void lines.push(JSON.parse(line)) };
const { place, client } = await setStage({ log });

/** The line about a request: it is written when the answer has left, which may be after it arrived. */
function lineOf(requestId: string): Promise<Line> {
  return eventually(async () => lines.find((line) => line.msg === 'request' && line.request_id === requestId));
}

describe('the access log', () => {
  test('names the request, the job and what it belongs to', async () => {
    const { headers } = await client.submit({
      job_id: 'job-in-the-log',
      observability: { correlation_id: 'nightly-7', trace_id: 'trace-of-the-job' },
    });
    expect(await lineOf(headers.get('x-request-id') ?? '')).toMatchObject({
      level: 'info',
      app: 'api',
      job_id: 'job-in-the-log',
      correlation_id: 'nightly-7',
      trace_id: 'trace-of-the-job',
      method: 'POST',
      path: '/api/v1/jobs',
      status: 202,
      duration_ms: expect.any(Number),
    });
  });

  test('takes the trace from the request where no job has one', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await client.get('/api/v1/workers', { headers: { traceparent, 'x-request-id': 'req-traced' } });
    expect(await lineOf('req-traced')).toMatchObject({ trace_id: '0af7651916cd43dd8448eb211c80319c' });
  });

  test('keeps keys and queries to itself', async () => {
    const headers = { 'x-request-id': 'req-secret', authorization: 'Bearer sesame' };
    await client.get('/api/v1/jobs?label=owner=sesame', { headers });
    expect(JSON.stringify(await lineOf('req-secret'))).not.toContain('sesame');
  });

  test('speaks of probes only when asked for every detail', async () => {
    await client.get('/health/live', { headers: { 'x-request-id': 'req-probe' } });
    expect(await lineOf('req-probe')).toMatchObject({ level: 'debug' });
  });

  test('tells the cause of a failure, which the client is not told', async () => {
    await client.submit({ job_id: 'job-gone-bad' });
    using database = new DatabaseSync(path.join(place.folder, 'history.sqlite'));
    database.exec(`update jobs set document = '{ "/secret/path": ' where job_id = 'job-gone-bad'`);
    const { status, body } = await client.get('/api/v1/jobs/job-gone-bad', {
      headers: { 'x-request-id': 'req-failed' },
    });
    expect(status).toBe(500);
    expect(body).toEqual({ error: 'INTERNAL_ERROR', message: expect.not.stringContaining('JSON') });
    const line = await eventually(async () =>
      lines.find(({ level, request_id }) => level === 'error' && request_id === 'req-failed'),
    );
    expect(line).toMatchObject({ job_id: 'job-gone-bad', err: { type: 'SyntaxError' } });
  });

  test('warns of a node that serves everyone', async () => {
    await using _node = await startTestNode(place, { argv: ['--host=0.0.0.0', '--insecure'], log });
    expect(lines.map(({ msg }) => msg)).toContain('serving everyone: no API key is set');
  });
});
