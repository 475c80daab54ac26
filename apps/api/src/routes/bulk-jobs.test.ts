import { describe, expect, test } from 'vitest';
import { eventually } from '../testing/eventually.ts';
import { setStage } from '../testing/stage.ts';
import { startTestWorker } from '../testing/worker.ts';

const KEY = 'sesame-open-the-door';
const { place, client, stack } = await setStage({
  argv: [`--api-key=${KEY}`],
  headers: { authorization: `Bearer ${KEY}` },
});
const PATH = '/api/v1/jobs/bulk';

/** Jobs of one test only: each has its own operation, and nobody runs it. */
async function post(operation: string, count: number, members: object = {}): Promise<void> {
  const documents = Array.from({ length: count }, () => ({
    operation,
    payload: { data: 1 },
    routing: { worker_pool: 'idle' },
    ...members,
  }));
  await client.post('/api/v1/jobs/batch', documents);
}

const totalOf = async (query: string) =>
  (await client.get(`/api/v1/jobs?${query}&limit=1&count=exact`)).body.data.total;

async function ended(bulkId: string) {
  return eventually(async () => {
    const { body } = await client.get(`/api/v1/bulk/${bulkId}`);
    return body.data.finished_at !== null && body.data;
  });
}

describe('POST /api/v1/jobs/bulk', () => {
  test('only counts on a dry run', async () => {
    await post('test.dry', 3);
    const { status, body } = await client.post(PATH, {
      verb: 'cancel',
      filter: { operation: 'test.dry' },
      dry_run: true,
    });
    expect(status).toBe(200);
    expect(body.data).toEqual({ verb: 'cancel', dry_run: true, total: 3 });
    expect(await totalOf('operation=test.dry&status=pending')).toBe(3);
  });

  test('cancels every job that the filter lets through, and no other', async () => {
    await post('test.cancel', 250);
    await post('test.cancel', 2, { metadata: { labels: { keep: 'yes' } } });
    await post('test.cancel', 1, { execution: { cancellable: false } });
    await post('test.cancel', 1, { metadata: { labels: { keep: 'no' } } });
    const one = await client.post(PATH, { verb: 'cancel', filter: { operation: 'test.cancel', label: ['keep=no'] } });
    expect(await ended(one.body.data.bulk_id)).toMatchObject({ matched: 1, changed: 1 });
    const { status, headers, body } = await client.post(PATH, {
      verb: 'cancel',
      filter: { operation: ['test.cancel', 'test.unheard'], status: 'pending' },
    });
    expect(status).toBe(202);
    expect(headers.get('location')).toBe(`/api/v1/bulk/${body.data.bulk_id}`);
    expect(body.data).toMatchObject({ verb: 'cancel', total: 253, filter: { status: ['pending'] } });
    expect(body.data.filter).not.toHaveProperty('tenant');
    expect(await ended(body.data.bulk_id)).toMatchObject({
      ...{ state: 'completed', matched: 253, changed: 252, skipped: 1, failed: 0, error: null },
    });
    expect(await totalOf('operation=test.cancel&status=cancelled')).toBe(253);
  });

  test('purges ended jobs, whose ids can then be used anew', async () => {
    await post('test.purge', 1, { job_id: 'job-to-be-purged' });
    await post('test.purge', 1);
    await client.post('/api/v1/jobs/job-to-be-purged/cancel', '{}');
    const { body } = await client.post(PATH, { verb: 'purge', filter: { operation: 'test.purge' } });
    expect(await ended(body.data.bulk_id)).toMatchObject({ total: 1, matched: 1, changed: 1 });
    expect((await client.get('/api/v1/jobs/job-to-be-purged')).status).toBe(404);
    expect(await totalOf('operation=test.purge')).toBe(1);
  });

  test('lets a job run that is posted under the id of one that ran and was purged', async () => {
    stack.use(await startTestWorker({ redisUrl: place.redis.url, prefix: 'guestkit', pool: 'anew' }));
    for (const round of [1, 2]) {
      const routing = { worker_pool: 'anew' };
      await client.submit({ job_id: 'job-run-anew', operation: 'test.anew', routing, payload: { data: round } });
      const { body } = await eventually(async () => {
        const reply = await client.get('/api/v1/jobs/job-run-anew/result');
        return reply.status === 200 && reply;
      });
      expect(body.data.data).toBe(round);
      const purge = await client.post(PATH, { verb: 'purge', filter: { operation: 'test.anew' } });
      expect(await ended(purge.body.data.bulk_id)).toMatchObject({ changed: 1 });
    }
  });

  test('is about every job only when that is said', async () => {
    const { status, body } = await client.post(PATH, { verb: 'purge', filter: {}, dry_run: true });
    expect(status).toBe(400);
    expect(body).toMatchObject({ error: 'BAD_REQUEST', details: { field: 'filter' } });
    expect((await client.post(PATH, { verb: 'purge', all: true, dry_run: true })).status).toBe(200);
  });

  test.each([
    [{ verb: 'purge', filter: { stauts: 'failed' } }, 'filter.stauts'],
    [{ verb: 'purge', filter: { status: 'done' } }, 'filter.status'],
    [{ verb: 'purge', filter: { status: 'running' } }, 'filter.status'],
    [{ verb: 'cancel', filter: { status: 'completed' } }, 'filter.status'],
    [{ verb: 'retry', filter: { status: ['failed', 'cancelled'] } }, 'filter.status'],
    [{ verb: 'cancel', filter: { label: 'web' } }, 'filter.label'],
    [{ verb: 'delete', filter: { status: 'failed' } }, 'verb'],
    [{ verb: 'cancel', all: true, dryRun: true }, ''],
    [[], ''],
  ])('refuses %j, and names the member', async (body, field) => {
    const answer = await client.post(PATH, body);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ error: 'BAD_REQUEST', details: { field } });
  });

  test('refuses what is not JSON', async () => {
    expect((await client.post(PATH, '{"verb":')).status).toBe(400);
  });
});

describe('operations on many jobs', () => {
  test('can be stopped, and leave the rest as it was', async () => {
    await post('test.stop', 1000);
    // cancelling goes on while Redis is away, but slowly
    process.kill(place.redis.pid, 'SIGSTOP');
    const { body } = await client.post(PATH, { verb: 'cancel', filter: { operation: 'test.stop' } });
    const stopped = await client.post(`/api/v1/bulk/${body.data.bulk_id}/stop`);
    process.kill(place.redis.pid, 'SIGCONT');
    expect(stopped.status).toBe(200);
    expect(['stopping', 'stopped']).toContain(stopped.body.data.state);
    const { state, matched, changed } = await ended(body.data.bulk_id);
    expect(state).toBe('stopped');
    expect(matched).toBeLessThan(1000);
    expect(changed).toBe(matched);
    await eventually(async () => (await totalOf('operation=test.stop&status=cancelled')) === changed);
    const again = await client.post(`/api/v1/bulk/${body.data.bulk_id}/stop`);
    expect(again.status).toBe(409);
  });

  test('are listed newest first, page by page', async () => {
    const asked: string[] = [];
    for (let n = 0; n < 3; n += 1) {
      asked.push((await client.post(PATH, { verb: 'cancel', filter: { operation: 'test.none' } })).body.data.bulk_id);
    }
    const first = await client.get('/api/v1/bulk?limit=2');
    const second = await client.get(`/api/v1/bulk?limit=1&cursor=${first.body.data.next_cursor}`);
    const ids = [...first.body.data.operations, ...second.body.data.operations].map(({ bulk_id }) => bulk_id);
    expect(ids).toEqual(asked.toReversed());
    expect((await client.get('/api/v1/bulk?cursor=nonsense')).status).toBe(400);
  });

  test('are not found when there are none', async () => {
    expect((await client.get('/api/v1/bulk/bulk-nobody-knows')).status).toBe(404);
    expect((await client.post('/api/v1/bulk/bulk-nobody-knows/stop')).status).toBe(404);
  });
});

describe('GET /api/v1/audit', () => {
  test('tells who asked for what by which request, and what came of it, and never the key', async () => {
    await post('test.audit', 2);
    const headers = { 'x-request-id': 'req-audited' };
    const { body } = await client.post(PATH, { verb: 'cancel', filter: { operation: 'test.audit' } }, { headers });
    const { bulk_id } = body.data;
    await ended(bulk_id);
    const audit = await client.get('/api/v1/audit');
    const own = audit.body.data.entries.filter((entry: { request_id: string }) => entry.request_id === 'req-audited');
    const who = expect.stringMatching(/^key:[0-9a-f]{12}$/);
    expect(own).toMatchObject([
      { who, verb: 'bulk.cancel.completed', counts: { matched: 2, changed: 2 } },
      { who, verb: 'bulk.cancel', target: { bulk_id }, counts: { total: 2 } },
    ]);
    expect(JSON.stringify(audit.body)).not.toContain(KEY);
    const first = await client.get('/api/v1/audit?limit=2');
    const next = await client.get(`/api/v1/audit?limit=2&cursor=${first.body.data.next_cursor}`);
    expect(next.body.data.entries).toHaveLength(2);
    expect((await client.get('/api/v1/audit?cursor=nonsense')).status).toBe(400);
  });
});
