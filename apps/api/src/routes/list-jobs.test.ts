import { describe, expect, test } from 'vitest';
import { setStage } from '../testing/stage.ts';

const { client } = await setStage();

/** Jobs of one test only: each has its own operation. */
async function post(operation: string, members: readonly object[]): Promise<void> {
  for (const more of members) await client.submit({ operation, ...more });
}

const idsOf = (body: { data: { jobs: readonly { job_id: string }[] } }) => body.data.jobs.map(({ job_id }) => job_id);

describe('GET /api/v1/jobs', () => {
  test('lists the newest job first, with nulls for what is not known yet', async () => {
    await post('test.order', [{ job_id: 'job-older' }, { job_id: 'job-newer', metadata: { name: 'nightly' } }]);
    const { status, body } = await client.get('/api/v1/jobs?operation=test.order');
    expect(status).toBe(200);
    expect(idsOf(body)).toEqual(['job-newer', 'job-older']);
    expect(body.data).toMatchObject({ total: 2, total_is_exact: true, next_cursor: null });
    expect(body.data.jobs[0]).toMatchObject({ name: 'nightly', started_at: null, completed_at: null, error: null });
    expect(body.data.jobs[0]).not.toHaveProperty('tenant');
  });

  test('pages through all jobs once, with the total on each page', async () => {
    const ids = Array.from({ length: 7 }, (_, index) => `job-of-page-${index}`);
    await post(
      'test.pages',
      ids.map((job_id) => ({ job_id })),
    );
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { body } = await client.get(`/api/v1/jobs?operation=test.pages&limit=3${cursor && `&cursor=${cursor}`}`);
      expect(body.data.total).toBe(7);
      seen.push(...idsOf(body));
      cursor = body.data.next_cursor;
    }
    expect(seen).toEqual(ids.toReversed());
  });

  test('keeps pages stable while jobs are added', async () => {
    await post('test.stable', [{ job_id: 'job-stable-1' }, { job_id: 'job-stable-2' }]);
    const first = await client.get('/api/v1/jobs?operation=test.stable&limit=1');
    await post('test.stable', [{ job_id: 'job-stable-3' }]);
    const second = await client.get(`/api/v1/jobs?operation=test.stable&limit=1&cursor=${first.body.data.next_cursor}`);
    expect(idsOf(second.body)).toEqual(['job-stable-1']);
  });

  test('takes any of several states or operations, repeated or parted by commas', async () => {
    await post('test.first', [{ job_id: 'job-of-first' }]);
    await post('test.second', [{ job_id: 'job-of-second' }]);
    const repeated = await client.get('/api/v1/jobs?operation=test.first&operation=test.second&status=pending');
    const joined = await client.get('/api/v1/jobs?operation=test.first,test.second&status=pending,running');
    expect(idsOf(repeated.body)).toEqual(['job-of-second', 'job-of-first']);
    expect(idsOf(joined.body)).toEqual(['job-of-second', 'job-of-first']);
    const none = await client.get('/api/v1/jobs?operation=test.first&status=completed');
    expect(none.body.data).toMatchObject({ jobs: [], total: 0 });
  });

  test('demands all labels given, values with equals signs included', async () => {
    await post('test.labels', [
      { job_id: 'job-web-east', metadata: { labels: { tier: 'web', query: 'a=b' } } },
      { job_id: 'job-web-west', metadata: { labels: { tier: 'web' } } },
    ]);
    const both = await client.get('/api/v1/jobs?operation=test.labels&label=tier=web');
    const one = await client.get(
      `/api/v1/jobs?operation=test.labels&label=tier=web&label=${encodeURIComponent('query=a=b')}`,
    );
    expect(idsOf(both.body)).toEqual(['job-web-west', 'job-web-east']);
    expect(idsOf(one.body)).toEqual(['job-web-east']);
  });

  test('finds jobs by what is in their payload, their name and their time, and sorts them', async () => {
    await post('test.search', [
      { job_id: 'job-found-1', metadata: { name: 'Nightly b' }, payload: { data: { image: { path: '/a' }, size: 3 } } },
      { job_id: 'job-found-2', metadata: { name: 'nightly a' }, payload: { data: { image: { path: '/a' }, size: 3 } } },
      {
        job_id: 'job-other-1',
        metadata: { name: 'nightly c' },
        payload: { data: { image: { path: '/a' }, size: '3' } },
      },
    ]);
    const since = new Date(Date.now() - 60_000).toISOString();
    const filter = `operation=test.search&payload=image.path=/a&payload=size%3D3&name=NIGHT&submitted_since=${since}`;
    const { body } = await client.get(`/api/v1/jobs?${filter}&sort=-name&limit=1`);
    expect(idsOf(body)).toEqual(['job-found-2']);
    const next = await client.get(`/api/v1/jobs?${filter}&sort=-name&limit=1&cursor=${body.data.next_cursor}`);
    expect(idsOf(next.body)).toEqual(['job-found-1']);
    const other = await client.get(`/api/v1/jobs?${filter}&sort=name&cursor=${body.data.next_cursor}`);
    expect(other).toMatchObject({ status: 400, body: { details: { parameter: 'cursor' } } });
    const late = await client.get(`/api/v1/jobs?operation=test.search&submitted_until=${since}`);
    expect(idsOf(late.body)).toEqual([]);
  });

  test('counts as asked: by state, exactly, or not at all', async () => {
    await post('test.counts', [{ job_id: 'job-count-1' }, { job_id: 'job-count-2' }]);
    const byStatus = await client.get('/api/v1/jobs?operation=test.counts&count=status&status=pending,failed');
    expect(byStatus.body.data).toMatchObject({
      total: 2,
      by_status: { pending: { jobs: 2, is_exact: true }, failed: { jobs: 0, is_exact: true } },
    });
    const exact = await client.get('/api/v1/jobs?operation=test.counts&count=exact');
    expect(exact.body.data).toMatchObject({ total: 2, total_is_exact: true });
    const none = await client.get('/api/v1/jobs?operation=test.counts&count=none');
    expect(none.body.data).not.toHaveProperty('total');
  });

  test.each([
    ['status=done', 'status'],
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['limit=1e2', 'limit'],
    ['limit=', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['label=web', 'label'],
    ['cursor=nonsense', 'cursor'],
    ['stauts=pending', 'stauts'],
    ['sort=age', 'sort'],
    ['payload=size', 'payload'],
    ['submitted_since=yesterday', 'submitted_since'],
    ['archived=maybe', 'archived'],
    ['count=all', 'count'],
  ])('refuses ?%s and names the parameter', async (query, parameter) => {
    const { status, body } = await client.get(`/api/v1/jobs?${query}`);
    expect(status).toBe(400);
    expect(body).toMatchObject({ error: 'BAD_REQUEST', details: { parameter } });
  });
});
