import path from 'node:path';
import { RedisCancelIntents } from '@guestkit/core/coordination/redis/cancel-intents';
import { connectRedis } from '@guestkit/core/coordination/redis/connection';
import { openSqliteHistory } from '@guestkit/core/history/sqlite/open';
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

const cancel = (jobId: string, node = client, body?: unknown) => node.post(`/api/v1/jobs/${jobId}/cancel`, body);
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

  test('keeps the wish for a job that runs, and tells its worker', async () => {
    await client.submit({ job_id: 'job-that-runs', ...busy });
    await eventually(async () => (await stateOf('job-that-runs')) === 'running');
    await using watch = await new RedisCancelIntents({ connection, prefix: 'guestkit' }).watch(fail);
    const { status, body } = await cancel('job-that-runs', client, { reason: 'not needed' });
    expect(status).toBe(202);
    expect(body.data).toMatchObject({ job_id: 'job-that-runs', status: 'cancelling' });
    expect(watch.reasonFor('default', 'job-that-runs')).toBe('not needed');
    const { body: job } = await client.get('/api/v1/jobs/job-that-runs');
    expect(job.data).toMatchObject({
      status: 'running',
      detail: 'cancelling',
      cancel_requested_at: expect.any(String),
    });
    expect((await cancel('job-that-runs')).status).toBe(202);
    gate.resolve();
    // this worker does not listen
    await eventually(async () => (await stateOf('job-that-runs')) === 'completed');
    await eventually(async () => watch.reasonFor('default', 'job-that-runs') === undefined);
  });

  test('says yes again to a job that is cancelled already', async () => {
    await client.submit({ job_id: 'job-cancelled-again', ...idle });
    expect((await cancel('job-cancelled-again')).status).toBe(200);
    expect((await cancel('job-cancelled-again')).status).toBe(200);
  });

  test('keeps the reason that it is given', async () => {
    await client.submit({ job_id: 'job-with-reason', ...idle });
    await cancel('job-with-reason', client, { reason: 'not needed' });
    const { body } = await client.get('/api/v1/jobs/job-with-reason');
    expect(body.data).toMatchObject({ detail: 'not needed', error: { code: 'CANCELLED', message: 'not needed' } });
  });

  test.each([[{ reason: 5 }], [{ reason: 'x'.repeat(501) }], ['[']])('refuses a body such as %j', async (body) => {
    await client.submit({ job_id: 'job-with-a-body', ...idle });
    expect((await cancel('job-with-a-body', client, body)).status).toBe(400);
    expect(await stateOf('job-with-a-body')).toBe('pending');
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
      expect(answers.map(({ status }) => status)).toEqual([200, 200]);
      expect(await stateOf(jobId)).toBe('cancelled');
      expect(await queue.remove({ tenant: 'default', pool: 'idle' }, jobId)).toBe('absent');
    }
  });

  test('keeps the wish when Redis does not answer, and carries it out when it does again', async () => {
    await client.submit({ job_id: 'job-in-a-pause', routing: { worker_pool: 'paused' } });
    process.kill(place.redis.pid, 'SIGSTOP');
    const { status } = await cancel('job-in-a-pause');
    process.kill(place.redis.pid, 'SIGCONT');
    expect(status).toBe(202);
    await eventually(async () => (await stateOf('job-in-a-pause')) === 'cancelled');
    const presence = await queue.presence({ tenant: 'default', pool: 'paused' }, ['job-in-a-pause']);
    expect(presence.get('job-in-a-pause')?.state).toBe('absent');
  });

  test('keeps the wish over a flush of Redis', async () => {
    await client.submit({ job_id: 'job-over-a-flush', ...idle });
    await queue.remove({ tenant: 'default', pool: 'idle' }, 'job-over-a-flush');
    const history = stack.use(await openSqliteHistory({ file: path.join(place.folder, 'history.sqlite') }));
    // as a node that ends right after it has made the wish durable
    await history.requestCancel('default', 'job-over-a-flush', 'not needed');
    await connection.client.flushall();
    await eventually(async () => (await stateOf('job-over-a-flush')) === 'cancelled');
    expect(await new RedisCancelIntents({ connection, prefix: 'guestkit' }).list()).toEqual([]);
  });
});

function fail(error: Error): never {
  throw error;
}
