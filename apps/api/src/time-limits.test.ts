import { describe, expect, test } from 'vitest';
import { eventually } from './testing/eventually.ts';
import { setStage } from './testing/stage.ts';

const { client } = await setStage({ argv: ['--wait-seconds', '1'] });

const idle = { routing: { worker_pool: 'nobody' } };

async function endOf(jobId: string) {
  return eventually(async () => {
    const { data } = (await client.get(`/api/v1/jobs/${jobId}`)).body;
    return data.status !== 'pending' && data;
  });
}

describe('a job that no worker takes', () => {
  test.each([
    ['as long as the node is configured', {}],
    ['as its document says', { execution: { timeouts: { wait_seconds: 2 } } }],
  ])('waits %s, and then ends', async (what, members) => {
    const jobId = `job-waits-${what.length}`;
    await client.submit({ job_id: jobId, ...idle, ...members });
    expect(await endOf(jobId)).toMatchObject({ status: 'timeout', attempt: 0, error: { code: 'WAIT_TIMEOUT' } });
  });

  test('ends at its deadline, though it may wait for ever', async () => {
    const deadline = new Date(Date.now() + 1_000).toISOString();
    const execution = { deadline, timeouts: { wait_seconds: 0 } };
    await client.submit({ job_id: 'job-with-deadline', ...idle, execution });
    expect(await endOf('job-with-deadline')).toMatchObject({ status: 'timeout', error: { code: 'DEADLINE_EXCEEDED' } });
  });

  test('is refused with a limit that is none', async () => {
    const { status } = await client.submit({ ...idle, execution: { timeouts: { wait_seconds: -1 } } });
    expect(status).toBe(400);
  });
});
