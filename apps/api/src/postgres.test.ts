import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { postgresAbsent, startPostgres, type TestPostgres } from '../../../test/support/postgres-server.ts';
import { eventually } from './testing/eventually.ts';
import { openPlace, type Place, startTestNode } from './testing/node.ts';
import { startApiProcess } from './testing/process.ts';
import { startTestWorker } from './testing/worker.ts';

describe.skipIf(postgresAbsent !== undefined)('API nodes that share a PostgreSQL database', () => {
  const resources = new AsyncDisposableStack();
  let place: Place;
  let postgres: TestPostgres;
  beforeAll(async () => {
    place = resources.use(await openPlace());
    postgres = resources.use(await startPostgres());
  });
  afterAll(() => resources.disposeAsync());

  const startNode = (given: Place, url: string) => startTestNode(given, { argv: ['--database-url', url] });

  test('know the jobs of one another, and a later one knows them all', async () => {
    const url = await postgres.newSchema();
    {
      await using first = await startNode(place, url);
      await using second = await startNode(place, url);
      await using worker = await startTestWorker({ redisUrl: place.redis.url, prefix: 'guestkit' });
      expect(worker).toBeDefined();
      const job = {
        job_id: 'job-shared-01',
        metadata: { labels: { tier: 'web' } },
        payload: { data: { ping: [1, 'ä'] } },
      };
      expect((await first.client.submit(job)).status).toBe(202);
      expect((await second.client.submit(job)).status).toBe(200);
      expect((await second.client.submit({ ...job, payload: { data: 'other' } })).status).toBe(409);
      await eventually(async () => (await second.client.get('/api/v1/jobs/job-shared-01/result')).status === 200);
    }
    // neither memory nor files of the others: only the database
    await using elsewhere = await openPlace();
    await using third = await startNode(elsewhere, url);
    const { body: result } = await third.client.get('/api/v1/jobs/job-shared-01/result');
    expect(result.data).toMatchObject({ status: 'completed', data: { ping: [1, 'ä'] } });
    const { body: list } = await third.client.get('/api/v1/jobs?label=tier%3Dweb&status=completed');
    expect(list.data.jobs).toMatchObject([{ job_id: 'job-shared-01' }]);
  });

  test('answer 503 while the database is away, and go on when it is back', async () => {
    await using node = await startNode(place, await postgres.newSchema());
    expect((await node.client.submit({ job_id: 'job-before-01' })).status).toBe(202);
    await postgres.kill();
    const refused = await node.client.submit({ job_id: 'job-during-01' });
    expect(refused).toMatchObject({ status: 503, body: { error: 'UNAVAILABLE' } });
    expect(refused.headers.get('retry-after')).toBe('1');
    expect((await node.client.get('/api/v1/jobs/job-before-01')).status).toBe(503);
    expect((await node.client.get('/health/ready')).status).toBe(503);
    await postgres.restart();
    await eventually(async () => (await node.client.get('/health/ready')).status === 200);
    expect((await node.client.submit({ job_id: 'job-during-01' })).status).toBe(202);
    expect((await node.client.get('/api/v1/jobs/job-before-01')).status).toBe(200);
  });

  test('keep every job that was acknowledged when the database is killed at work', async () => {
    await using node = await startNode(place, await postgres.newSchema());
    const acknowledged: string[] = [];
    const posts = Array.from({ length: 200 }, async (_, index) => {
      const { status, body } = await node.client.submit({ routing: { worker_pool: 'idle' }, payload: { data: index } });
      expect([202, 503]).toContain(status);
      if (status === 202) acknowledged.push(body.data.job_id);
      if (acknowledged.length === 50) await postgres.kill();
    });
    await Promise.all(posts);
    await postgres.restart();
    await eventually(async () => (await node.client.get('/health/ready')).status === 200);
    expect(acknowledged.length).toBeGreaterThanOrEqual(50);
    for (const jobId of acknowledged) expect((await node.client.get(`/api/v1/jobs/${jobId}`)).status).toBe(200);
  });

  test('run as the program, with the URL from the environment', async () => {
    await using api = await startApiProcess({ ...place.env, DATABASE_URL: await postgres.newSchema() });
    expect((await fetch(`${api.url}/health/ready`)).status).toBe(200);
    api.signal('SIGTERM');
    expect(await api.ended).toBe(0);
  });
});
