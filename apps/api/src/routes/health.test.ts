import { describe, expect, test } from 'vitest';
import { eventually } from '../testing/eventually.ts';
import { startTestNode } from '../testing/node.ts';
import { setStage } from '../testing/stage.ts';

const { place, client } = await setStage();

describe('health', () => {
  test.each(['/health', '/health/live', '/api/v1/health'])('%s says that the node answers', async (path) => {
    const { status, body } = await client.get(path);
    expect(status).toBe(200);
    expect(body).toEqual({ status: 'healthy', timestamp: expect.stringMatching(/^\d{4}-.*Z$/) });
  });

  test('/health/ready says that Redis and the database answer', async () => {
    const { status, body } = await client.get('/health/ready');
    expect(status).toBe(200);
    expect(body.status).toBe('ready');
  });
});

describe('while Redis is away', () => {
  test('the node lives on, is not ready, and accepts jobs that are enqueued later', async () => {
    await using node = await startTestNode(place);
    await place.redis.kill();
    const ready = await eventually(async () => {
      const reply = await node.client.get('/health/ready');
      return reply.status === 503 && reply;
    });
    expect(ready.body).toEqual({
      error: 'UNAVAILABLE',
      message: 'Cannot serve requests: redis cannot be reached',
      details: { reasons: { redis: 'cannot be reached' } },
    });
    expect(JSON.stringify(ready.body)).not.toContain(place.folder);
    expect((await node.client.get('/health/live')).status).toBe(200);

    const workers = await node.client.get('/api/v1/workers');
    expect(workers.status).toBe(503);
    expect(workers.headers.get('retry-after')).toBe('1');
    expect((await node.client.get('/api/v1/capabilities')).status).toBe(503);
    expect((await node.client.get('/metrics')).body).toContain('guestkit_workers_alive Nan');

    expect((await node.client.submit({ job_id: 'job-in-an-outage' })).status).toBe(202);
    expect((await node.client.get('/api/v1/jobs/job-in-an-outage')).body.data.status).toBe('pending');
    expect((await node.client.submit({ job_id: 'job-taken-back' })).status).toBe(202);
    // the wish is durable, and comes true when Redis is back
    expect((await node.client.post('/api/v1/jobs/job-taken-back/cancel')).status).toBe(202);

    await place.redis.restart();
    await eventually(async () => (await node.client.get('/health/ready')).status === 200);
    const queued = () => node.client.fetch('/board/api/queues/default/job-in-an-outage');
    await eventually(async () => (await queued()).status === 200);
    const taken = () => node.client.get('/api/v1/jobs/job-taken-back');
    await eventually(async () => (await taken()).body.data.status === 'cancelled');
  });
});

describe('while Redis does not answer', () => {
  test('a job is accepted all the same, and the node is not ready', async () => {
    process.kill(place.redis.pid, 'SIGSTOP');
    const [posted, ready] = await Promise.all([
      client.submit({ job_id: 'job-in-a-pause' }),
      client.get('/health/ready'),
    ]);
    process.kill(place.redis.pid, 'SIGCONT');
    expect(posted.status).toBe(202);
    expect(ready.status).toBe(503);
    await eventually(async () => (await client.fetch('/board/api/queues/default/job-in-a-pause')).status === 200);
  });
});
