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
    expect(body.data).toMatchObject({ total: 2, next_cursor: null });
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
  ])('refuses ?%s and names the parameter', async (query, parameter) => {
    const { status, body } = await client.get(`/api/v1/jobs?${query}`);
    expect(status).toBe(400);
    expect(body).toMatchObject({ error: 'BAD_REQUEST', details: { parameter } });
  });
});
