import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { connectRedis } from '@guestkit/core/coordination/redis/connection';
import { createBullmqQueue } from '@guestkit/core/queue/bullmq-queue';
import { describe, expect, test } from 'vitest';
import { eventually } from '../testing/eventually.ts';
import { setStage } from '../testing/stage.ts';

const { place, client, stack } = await setStage({
  argv: ['--batch-limit-bytes=20000000', '--body-limit-bytes=100000'],
});
const connection = stack.use(await connectRedis(place.redis.url, { role: 'client' }));
const queue = stack.use(createBullmqQueue({ connection, prefix: 'guestkit' }));

const PATH = '/api/v1/jobs/batch';
const NDJSON = { 'content-type': 'application/x-ndjson' };

const document = (members: object = {}) => ({ operation: 'system.echo', payload: { data: { ping: 1 } }, ...members });
const linesOf = (documents: readonly object[]) => documents.map((one) => `${JSON.stringify(one)}\n`).join('');
const many = (count: number, members: (index: number) => object = () => ({})) =>
  Array.from({ length: count }, (_, index) => document(members(index)));

describe('POST /api/v1/jobs/batch', () => {
  test('accepts each document of an array, and hands the jobs to the queue', async () => {
    const routing = { worker_pool: 'array' };
    const { status, body } = await client.post(
      PATH,
      many(3, (n) => ({ job_id: `job-array-${n}`, routing })),
    );
    expect(status).toBe(200);
    expect(body.data.items).toMatchObject(
      [0, 1, 2].map((n) => ({ index: n, status: 'created', job_id: `job-array-${n}` })),
    );
    expect(body.data).toMatchObject({
      counts: { created: 3, duplicate: 0, conflict: 0, invalid: 0, failed: 0 },
      stopped: null,
    });
    expect((await client.get('/api/v1/jobs/job-array-1')).body.data.status).toBe('pending');
    expect(await queue.depth({ tenant: 'default', pool: 'array' })).toMatchObject({ waiting: 3 });
  });

  test('judges each document by itself, and names the member at fault', async () => {
    const good = document({ job_id: 'job-judged-1' });
    const { status, body } = await client.post(PATH, [
      good,
      document({ execution: { priority: 11 } }),
      { payload: { data: 1 } },
      7,
      document({ job_id: 'job-judged-1', colour: 'blue' }),
      document({ job_id: 'job-judged-1', payload: { data: 'other' } }),
    ]);
    expect(status).toBe(200);
    expect(body.data.items).toMatchObject([
      { index: 0, status: 'created', job_id: 'job-judged-1' },
      { index: 1, status: 'invalid', job_id: null, error: { code: 'VALIDATION_ERROR', field: 'execution.priority' } },
      { index: 2, status: 'invalid', error: { code: 'BAD_REQUEST', field: 'operation' } },
      { index: 3, status: 'invalid', error: { code: 'BAD_REQUEST' } },
      {
        index: 4,
        status: 'duplicate',
        job_id: 'job-judged-1',
        warnings: expect.arrayContaining(['Unknown member "colour" is ignored']),
      },
      { index: 5, status: 'conflict', job_id: 'job-judged-1', error: { code: 'CONFLICT', field: 'job_id' } },
    ]);
  });

  test('answers the first job for an idempotency key, within a batch and of one before', async () => {
    const keyed = (key: string, data: unknown = 1) =>
      document({ execution: { idempotency_key: key }, payload: { data } });
    const { body: before } = await client.submit(keyed('batch-key-0'));
    const { body } = await client.post(PATH, [
      keyed('batch-key-0'),
      keyed('batch-key-1'),
      keyed('batch-key-1'),
      keyed('batch-key-1', 2),
    ]);
    const [first, second, third, fourth] = body.data.items;
    expect(first).toMatchObject({ status: 'duplicate', job_id: before.data.job_id });
    expect(second).toMatchObject({ status: 'created' });
    expect(third).toMatchObject({ status: 'duplicate', job_id: second.job_id });
    expect(fourth).toMatchObject({
      status: 'conflict',
      job_id: second.job_id,
      error: { code: 'CONFLICT', field: 'execution.idempotency_key' },
    });
  });

  test('takes a stream of lines, blank ones passed over', async () => {
    const body = `${JSON.stringify(document())}\n\n  \r\n${JSON.stringify(document())}\r\nnonsense\n${JSON.stringify(document())}`;
    const answer = await client.call('POST', PATH, { headers: NDJSON, body });
    expect(answer.body.data.items.map(({ status }: { status: string }) => status)).toEqual([
      'created',
      'created',
      'invalid',
      'created',
    ]);
  });

  test('answers in lines when asked to, a summary last', async () => {
    const headers = { ...NDJSON, accept: 'application/x-ndjson' };
    const answer = await client.call('POST', PATH, {
      headers,
      body: linesOf([...many(1200), { operation: 'nonsense' }]),
    });
    expect(answer.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8');
    const lines = String(answer.body)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toHaveLength(1202);
    expect(lines[1199]).toMatchObject({ index: 1199, status: 'created' });
    expect(lines[1200]).toMatchObject({ index: 1200, status: 'invalid' });
    expect(lines[1201]).toEqual({
      summary: { counts: { created: 1200, duplicate: 0, conflict: 0, invalid: 1, failed: 0 }, stopped: null },
    });
  });

  test('has made durable, and told of, what came of a stream while it is still coming', async () => {
    const agent = new Agent();
    const sent = request(new URL(PATH, client.url), {
      method: 'POST',
      agent,
      headers: { ...NDJSON, accept: 'application/x-ndjson' },
    });
    const answered = new Promise<string>((resolve, reject) => {
      sent.once('error', reject);
      sent.once('response', (response) => resolve(text(response)));
    });
    sent.write(linesOf(many(700, (n) => ({ job_id: `job-stream-${n}` }))));
    await eventually(async () => (await client.get('/api/v1/jobs/job-stream-499')).status === 200);
    expect((await client.get('/api/v1/jobs/job-stream-699')).status).toBe(404);
    sent.end();
    expect((await answered).split('\n').filter(Boolean)).toHaveLength(701);
    expect((await client.get('/api/v1/jobs/job-stream-699')).status).toBe(200);
  });

  test('takes 10,000 documents, and no more', async () => {
    const tiny = (count: number) => many(count, () => ({ operation: 'test.limit' }));
    const array = await client.post(PATH, tiny(10_001));
    expect(array.status).toBe(413);
    expect(array.body).toMatchObject({ error: 'PAYLOAD_TOO_LARGE', details: { limit_documents: 10_000 } });
    const stream = await client.call('POST', PATH, { headers: NDJSON, body: linesOf(tiny(10_001)) });
    expect(stream.status).toBe(200);
    expect(stream.body.data.counts.created).toBe(10_000);
    expect(stream.body.data.stopped).toMatchObject({
      error: 'PAYLOAD_TOO_LARGE',
      details: { limit_documents: 10_000 },
    });
    expect((await client.get('/api/v1/jobs?operation=test.limit&limit=1&count=exact')).body.data.total).toBe(10_000);
  });

  test('refuses a document that is too large without refusing the others', async () => {
    const documents = [document(), document({ payload: { data: 'x'.repeat(100_000) } }), document()];
    for (const call of [
      client.post(PATH, documents),
      client.call('POST', PATH, { headers: NDJSON, body: linesOf(documents) }),
    ]) {
      const { body } = await call;
      expect(body.data.items).toMatchObject([
        { status: 'created' },
        { status: 'invalid', error: { code: 'PAYLOAD_TOO_LARGE' } },
        { status: 'created' },
      ]);
    }
  });

  test('refuses a batch that is too large', async () => {
    const large = many(250, () => ({ payload: { data: 'x'.repeat(90_000) } }));
    const array = await client.post(PATH, large);
    expect(array.status).toBe(413);
    expect(array.body).toMatchObject({ details: { limit_bytes: 20_000_000 } });
    const stream = await client.call('POST', PATH, { headers: NDJSON, body: linesOf(large) });
    expect(stream.status).toBe(200);
    expect(stream.body.data.stopped).toMatchObject({ error: 'PAYLOAD_TOO_LARGE' });
    const { counts, items } = stream.body.data;
    expect(items).toHaveLength(counts.created);
    expect(counts.created).toBeGreaterThan(0);
  });

  test.each(['{}', '[', '[{"operation":"a.b"}', '"text"', ''])('refuses %j as no array', async (body) => {
    const answer = await client.call('POST', PATH, { headers: { 'content-type': 'application/json' }, body });
    expect(answer.status).toBe(400);
  });

  test('accepts nothing of a batch of no documents', async () => {
    expect((await client.post(PATH, [])).body.data).toMatchObject({ items: [], counts: { created: 0 } });
  });

  test('refuses a body of another type', async () => {
    const answer = await client.call('POST', PATH, { headers: { 'content-type': 'text/csv' }, body: 'a,b' });
    expect(answer.status).toBe(415);
    expect(answer.body.message).toContain('application/json or application/x-ndjson');
  });

  test('accepts jobs while Redis is away', async () => {
    process.kill(place.redis.pid, 'SIGSTOP');
    const { body } = await client.post(
      PATH,
      many(3, () => ({ routing: { worker_pool: 'later' } })),
    );
    process.kill(place.redis.pid, 'SIGCONT');
    expect(body.data.counts.created).toBe(3);
    await eventually(async () => (await queue.depth({ tenant: 'default', pool: 'later' })).waiting === 3);
  });
});
