import { describe, expect, test } from 'vitest';
import { eventually } from '../testing/eventually.ts';
import { setStage } from '../testing/stage.ts';
import { startTestWorker } from '../testing/worker.ts';

const { place, client, stack } = await setStage();
const gate = Promise.withResolvers<void>();
const halfway = async (jobId: string) => {
  if (jobId === 'job-held-halfway') await gate.promise;
};
stack.use(await startTestWorker({ redisUrl: place.redis.url, prefix: 'guestkit', halfway }));

async function statusOf(jobId: string) {
  return (await client.get(`/api/v1/jobs/${jobId}`)).body.data;
}

describe('GET /api/v1/jobs/:id', () => {
  test('shows the attempts and the latest progress of a job that runs', async () => {
    await client.submit({ job_id: 'job-held-halfway' });
    const job = await eventually(async () => {
      const now = await statusOf('job-held-halfway');
      return now.progress !== null && now;
    });
    expect(job).toMatchObject({
      status: 'running',
      worker_id: 'worker-1',
      attempt: 1,
      completed_at: null,
      progress: { phase: 'validation', progress_percent: 10, message: 'looking' },
      attempts: [{ attempt: 1, worker_id: 'worker-1', outcome: 'running', ended_at: null }],
    });
    gate.resolve();
    const done = await eventually(async () => {
      const now = await statusOf('job-held-halfway');
      return now.status === 'completed' && now;
    });
    expect(done).toMatchObject({
      error: null,
      progress: { progress_percent: 90 },
      attempts: [{ outcome: 'completed' }],
    });
    expect(done.completed_at).not.toBeNull();
  });

  test.each(['job-nobody-posted', 'short', '..%2f..%2fetc%2fpasswd', '%00%00%00%00%00%00%00%00'])(
    'knows no job %s',
    async (id) => {
      for (const path of ['', '/result', '/progress']) {
        const { status, body } = await client.get(`/api/v1/jobs/${id}${path}`);
        expect(status).toBe(404);
        expect(body.error).toBe('NOT_FOUND');
      }
    },
  );

  test('refuses an address that is not properly encoded', async () => {
    const { status, body } = await client.get('/api/v1/jobs/%E0%A4%A');
    expect(status).toBe(400);
    expect(body.error).toBe('BAD_REQUEST');
  });
});

describe('GET /api/v1/jobs/:id/result', () => {
  test('says that a job is not finished', async () => {
    await client.submit({ job_id: 'job-unfinished', routing: { worker_pool: 'lonely' } });
    const { status, body } = await client.get('/api/v1/jobs/job-unfinished/result');
    expect(status).toBe(404);
    expect(body).toEqual({
      error: 'NOT_FOUND',
      message: 'Cannot show the result of job "job-unfinished": it is not finished, its status is pending',
      details: { job_id: 'job-unfinished', status: 'pending' },
    });
  });

  test('is the result document as the worker told it', async () => {
    await client.submit({ job_id: 'job-with-result', payload: { data: { deep: [1, { two: null }] } } });
    const { body } = await eventually(async () => {
      const reply = await client.get('/api/v1/jobs/job-with-result/result');
      return reply.status === 200 && reply;
    });
    expect(body.data).toMatchObject({
      job_id: 'job-with-result',
      worker_id: 'worker-1',
      status: 'completed',
      execution_summary: { attempt: 1 },
      data: { deep: [1, { two: null }] },
    });
  });
});
