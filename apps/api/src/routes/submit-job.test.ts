import { request } from 'node:http';
import { describe, expect, test } from 'vitest';
import { advertise } from '../testing/advertisement.ts';
import { eventually } from '../testing/eventually.ts';
import { startTestNode } from '../testing/node.ts';
import { setStage } from '../testing/stage.ts';

const { place, client } = await setStage();

describe('POST /api/v1/jobs', () => {
  test('accepts the least of a document, and says where the job is', async () => {
    const { status, headers, body } = await client.submit();
    expect(status).toBe(202);
    expect(body).toMatchObject({ success: true, data: { status: 'submitted' } });
    expect(body.data.job_id).toMatch(/^job-[0-9A-Z]{26}$/);
    expect(headers.get('location')).toBe(`/api/v1/jobs/${body.data.job_id}`);
    expect((await client.get(headers.get('location') ?? '')).body.data).toMatchObject({
      status: 'pending',
      operation: 'system.echo',
    });
  });

  test('puts the job into the queue of the pool it asks for', async () => {
    const { body } = await client.submit({ routing: { worker_pool: 'lab-a' } });
    const job = await client.get(`/api/v1/jobs/${body.data.job_id}`);
    expect(job.body.data.pool).toBe('lab-a');
  });

  test('answers the same job again with 200 and adds none', async () => {
    const first = await client.submit({ job_id: 'job-posted-twice' });
    const second = await client.submit({ job_id: 'job-posted-twice' });
    expect([first.status, second.status]).toEqual([202, 200]);
    expect(second.body.data).toMatchObject({ job_id: 'job-posted-twice', duplicate: true });
    expect(second.headers.get('location')).toBe('/api/v1/jobs/job-posted-twice');
  });

  test('answers the first job for the same idempotency key', async () => {
    const execution = { idempotency_key: 'web-07/2026-05-04' };
    const first = await client.submit({ execution });
    const second = await client.submit({ execution });
    expect(second.status).toBe(200);
    expect(second.body.data.job_id).toBe(first.body.data.job_id);
  });

  test('refuses other content under the id of another job', async () => {
    await client.submit({ job_id: 'job-conflicting' });
    const { status, body } = await client.submit({ job_id: 'job-conflicting', payload: { data: 'other' } });
    expect(status).toBe(409);
    expect(body).toMatchObject({ error: 'CONFLICT', details: { field: 'job_id', job_id: 'job-conflicting' } });
  });

  test('tells which rule of the protocol a document breaks', async () => {
    const { status, body } = await client.submit({ execution: { priority: 11 } });
    expect(status).toBe(400);
    expect(body).toEqual({
      error: 'VALIDATION_ERROR',
      message: expect.stringMatching(/^Job validation failed: Invalid field value: execution\.priority - /),
      details: { field: 'execution.priority' },
    });
  });

  test('tells what keeps a text from being a job document', async () => {
    const { status, body } = await client.post('/api/v1/jobs', { payload: { data: 1 } });
    expect(status).toBe(400);
    expect(body).toMatchObject({ error: 'BAD_REQUEST', details: { field: 'operation' } });
  });

  test.each([
    '{"operation":',
    '',
    '[]',
    '"text"',
    '{"operation":"a.b","operation":"a.b","payload":{"data":1}}',
    '\u{feff}{}',
  ])('refuses %j as no JSON of a job', async (text) => {
    const { status, body } = await client.call('POST', '/api/v1/jobs', {
      body: text,
      headers: { 'content-type': 'application/json' },
    });
    expect(status).toBe(400);
    expect(body.error).toBe('BAD_REQUEST');
  });

  test('ignores unknown members and says so', async () => {
    const { status, body } = await client.submit({ colour: 'blue' });
    expect(status).toBe(202);
    expect(body.data.warnings).toContain('Unknown member "colour" is ignored');
  });

  test.each([
    { 'content-type': 'text/plain' },
    { 'content-type': 'application/x-www-form-urlencoded' },
    { 'content-type': 'application/json; charset=latin1' },
    { 'content-type': 'application/json', 'content-encoding': 'gzip' },
  ])('refuses a body declared as %j', async (headers) => {
    const { status, body } = await client.call('POST', '/api/v1/jobs', { headers, body: '{}' });
    expect(status).toBe(415);
    expect(body.error).toBe('UNSUPPORTED_MEDIA_TYPE');
  });

  test('takes JSON with a charset of UTF-8', async () => {
    const headers = { 'content-type': 'application/json; charset="UTF-8"' };
    const body = '{"operation":"system.echo","payload":{"data":"ü"}}';
    expect((await client.call('POST', '/api/v1/jobs', { headers, body })).status).toBe(202);
  });

  test('refuses bytes that are not UTF-8', async () => {
    const response = await client.fetch('/api/v1/jobs', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: 'BAD_REQUEST' });
  });

  test('takes a body of 2 MB, and answers a larger one with JSON', async () => {
    const document = (size: number) => {
      const frame = '{"operation":"system.echo","payload":{"data":""}}';
      return frame.replace('""', `"${'x'.repeat(size - frame.length)}"`);
    };
    const limit = 2 * 1024 * 1024;
    expect((await client.post('/api/v1/jobs', document(limit))).status).toBe(202);
    const { status, body } = await client.post('/api/v1/jobs', document(limit + 1));
    expect(status).toBe(413);
    expect(body).toMatchObject({ error: 'PAYLOAD_TOO_LARGE', details: { limit_bytes: limit } });
  });

  test('does not wait for a body that says it is beyond all measure', async () => {
    const status = await new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-length': String(2 ** 40) };
      const sent = request(new URL('/api/v1/jobs', client.url), { method: 'POST', headers }, (response) => {
        resolve(response.statusCode);
        response.destroy();
      });
      sent.once('error', reject);
      sent.flushHeaders();
    });
    expect(status).toBe(413);
  });

  test('accepts a job that nobody can run now, with a warning', async () => {
    const { body } = await client.submit({ routing: { worker_pool: 'lonely' } });
    expect(body.data.warnings).toEqual(['No worker of pool "lonely" is live: the job waits for one']);
  });

  test('has no warning once a worker offers the operation', async () => {
    await using worker = await advertise(place, { pool: 'busy' });
    expect(worker.worker_id).toBe('worker-1');
    await eventually(
      async () => (await client.submit({ routing: { worker_pool: 'busy' } })).body.data.warnings === undefined,
    );
  });
});

describe('two nodes side by side', () => {
  test('know the jobs of one another', async () => {
    await using other = await startTestNode(place);
    const { body } = await other.client.submit();
    expect((await client.get(`/api/v1/jobs/${body.data.job_id}`)).status).toBe(200);
  });

  test('create one job when both are given the same at once', async () => {
    await using other = await startTestNode(place);
    for (let round = 0; round < 10; round += 1) {
      const members = { job_id: `job-at-once-${round}` };
      const answers = await Promise.all(
        [client, other.client, client, other.client].map((node) => node.submit(members)),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 202]);
    }
  });
});
