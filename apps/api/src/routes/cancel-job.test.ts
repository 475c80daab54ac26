import { connectRedis } from '@guestkit/core/coordination/redis/connection';
import { createBullmqQueue } from '@guestkit/core/queue/bullmq-queue';
import { describe, expect, test } from 'vitest';
import { eventually } from '../testing/eventually.ts';
import { startTestNode } from '../testing/node.ts';
import { setStage } from '../testing/stage.ts';
import { startTestWorker } from '../testing/worker.ts';

const { place, client, stack } = await setStage();
const gate = Promise.withResolvers<void>();
const halfway = async (jobId: string) => {
  if (jobId === 'job-that-runs') await gate.promise;
};
stack.use(await startTestWorker({ redisUrl: place.redis.url, prefix: 'guestkit', pool: 'busy', halfway }));
const connection = stack.use(await connectRedis(place.redis.url, { role: 'client' }));
const queue = stack.use(createBullmqQueue({ connection, prefix: 'guestkit' }));

const idle = { routing: { worker_pool: 'idle' } };
const busy = { routing: { worker_pool: 'busy' } };

const cancel = (jobId: string, node = client) => node.post(`/api/v1/jobs/${jobId}/cancel`);
const stateOf = async (jobId: string): Promise<string> => (await client.get(`/api/v1/jobs/${jobId}`)).body.data.status;

describe('POST /api/v1/jobs/:id/cancel', () => {
  test('ends a job that waits, and takes it out of the queue', async () => {
    await client.submit({ job_id: 'job-that-waits', ...idle });
    const { status, body } = await cancel('job-that-waits');
    expect(status).toBe(200);
    expect(body.data).toMatchObject({ job_id: 'job-that-waits', status: 'cancelled' });
    expect(await stateOf('job-that-waits')).toBe('cancelled');
    expect(await queue.remove({ tenant: 'default', pool: 'idle' }, 'job-that-waits')).toBe('absent');
  });

  test('refuses a job that runs', async () => {
    await client.submit({ job_id: 'job-that-runs', ...busy });
    await eventually(async () => (await stateOf('job-that-runs')) === 'running');
    const { status, body } = await cancel('job-that-runs');
    expect(status).toBe(409);
    expect(body).toMatchObject({ error: 'CONFLICT', details: { status: 'running' } });
    expect(body.message).toContain('jobs that have started cannot be cancelled yet');
    gate.resolve();
    await eventually(async () => (await stateOf('job-that-runs')) === 'completed');
  });

  test('refuses a job that has ended', async () => {
    await client.submit({ job_id: 'job-that-ended', ...busy });
    await eventually(async () => (await stateOf('job-that-ended')) === 'completed');
    const { status, body } = await cancel('job-that-ended');
    expect(status).toBe(409);
    expect(body.message).toBe('Cannot cancel job "job-that-ended": it is already completed');
  });

  test('refuses a job whose document forbids it', async () => {
    await client.submit({ job_id: 'job-that-stays', execution: { cancellable: false }, ...idle });
    expect((await cancel('job-that-stays')).status).toBe(409);
    expect(await stateOf('job-that-stays')).toBe('pending');
  });

  test('knows no job that was never posted', async () => {
    expect((await cancel('job-nobody-posted')).status).toBe(404);
  });

  test('ends a job that is not in the queue yet', async () => {
    await client.submit({ job_id: 'job-not-queued', ...idle });
    await queue.remove({ tenant: 'default', pool: 'idle' }, 'job-not-queued');
    expect((await cancel('job-not-queued')).status).toBe(200);
    expect(await queue.remove({ tenant: 'default', pool: 'idle' }, 'job-not-queued')).toBe('absent');
  });

  test('cancels once when two nodes are asked at once', async () => {
    await using other = await startTestNode(place);
    for (let round = 0; round < 10; round += 1) {
      const jobId = `job-cancelled-twice-${round}`;
      await client.submit({ job_id: jobId, ...idle });
      const answers = await Promise.all([cancel(jobId), cancel(jobId, other.client)]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
      expect(await queue.remove({ tenant: 'default', pool: 'idle' }, jobId)).toBe('absent');
    }
  });

  test('loses no job when Redis does not answer in time', async () => {
    await client.submit({ job_id: 'job-in-a-pause', routing: { worker_pool: 'paused' } });
    process.kill(place.redis.pid, 'SIGSTOP');
    const { status } = await cancel('job-in-a-pause');
    expect(status).toBe(503);
    process.kill(place.redis.pid, 'SIGCONT');
    await eventually(async () => (await queue.depth({ tenant: 'default', pool: 'paused' })).waiting === 1);
    stack.use(await startTestWorker({ redisUrl: place.redis.url, prefix: 'guestkit', pool: 'paused' }));
    await eventually(async () => (await stateOf('job-in-a-pause')) === 'completed');
  });
});
