import { describe, expect, test } from 'vitest';
import { setStage } from './testing/stage.ts';

const { client } = await setStage();

/** What is the same whenever the same is asked. */
async function answerTo(path: string, init: RequestInit): Promise<unknown> {
  const response = await client.fetch(path, { method: 'POST', ...init });
  const headers = [...response.headers].filter(([name]) => !['date', 'x-request-id'].includes(name));
  return { status: response.status, headers, body: await response.text() };
}

const json = { 'content-type': 'application/json' };

/** express takes the address with a query, the fast lane the one without. */
describe('POST /api/v1/jobs', () => {
  test.each([
    ['a job that was accepted before', { headers: json, body: document('job-fast-lane-1') }],
    ['a job with other content', { headers: json, body: document('job-fast-lane-1', { other: true }) }],
    ['a document that breaks a rule', { headers: json, body: '{"operation":"nope","payload":{"data":1}}' }],
    ['no JSON', { headers: json, body: '{' }],
    ['nothing', { headers: json }],
    ['another media type', { headers: { 'content-type': 'text/plain' }, body: '{}' }],
    ['a page of another site', { headers: { ...json, origin: 'http://elsewhere' }, body: '{}' }],
    ['too much', { headers: json, body: JSON.stringify({ filler: 'x'.repeat(3 * 1024 * 1024) }) }],
  ])('answers %s as express does', async (_, init) => {
    await client.fetch('/api/v1/jobs', { method: 'POST', headers: json, body: document('job-fast-lane-1') });
    expect(await answerTo('/api/v1/jobs', init)).toEqual(await answerTo('/api/v1/jobs?', init));
  });

  test('names the request, logs and counts it like any other', async () => {
    const response = await client.fetch('/api/v1/jobs', {
      method: 'POST',
      headers: { ...json, 'x-request-id': 'mine' },
      body: document('job-fast-lane-2'),
    });
    expect(response.status).toBe(202);
    expect(response.headers.get('x-request-id')).toBe('mine');
    const { body } = await client.get('/metrics');
    expect(body).toMatch(/guestkit_api_requests_total\{method="POST",route="\/api\/v1\/jobs",status="202"\}/);
  });
});

function document(job_id: string, data: unknown = { ping: 1 }): string {
  return JSON.stringify({ job_id, operation: 'system.echo', created_at: '2026-05-04T08:00:00Z', payload: { data } });
}
