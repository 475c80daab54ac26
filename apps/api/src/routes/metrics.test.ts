import { describe, expect, test } from 'vitest';
import { advertise } from '../testing/advertisement.ts';
import { eventually } from '../testing/eventually.ts';
import { setStage } from '../testing/stage.ts';
import { startTestWorker } from '../testing/worker.ts';

const { place, client, stack } = await setStage();

/** The value of a sample line, labels and all. */
async function sample(line: string): Promise<number | undefined> {
  const { body } = await client.get('/metrics');
  const found = String(body)
    .split('\n')
    .find((candidate) => candidate.startsWith(`${line} `));
  return found === undefined ? undefined : Number(found.slice(line.length + 1));
}

describe('GET /metrics', () => {
  test('is exposition text', async () => {
    const { status, headers } = await client.get('/metrics');
    expect(status).toBe(200);
    expect(headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  });

  test('counts requests by route, not by address', async () => {
    await client.get('/api/v1/jobs/job-nobody-posted');
    await client.fetch('/no/such/address');
    expect(await sample('guestkit_api_requests_total{method="GET",route="/api/v1/jobs/:id",status="404"}')).toBe(1);
    expect(await sample('guestkit_api_requests_total{method="GET",route="unknown",status="404"}')).toBe(1);
    expect(await sample('guestkit_api_request_duration_seconds_count{method="GET",route="/api/v1/jobs/:id"}')).toBe(1);
  });

  test('counts what became of posted jobs', async () => {
    await client.submit({ job_id: 'job-counted' });
    await client.submit({ job_id: 'job-counted' });
    await client.submit({ job_id: 'job-counted', payload: { data: 'other' } });
    expect(await sample('guestkit_api_jobs_accepted_total{outcome="created"}')).toBe(1);
    expect(await sample('guestkit_api_jobs_accepted_total{outcome="duplicate"}')).toBe(1);
    expect(await sample('guestkit_api_jobs_accepted_total{outcome="conflict"}')).toBe(1);
  });

  test('tells how many workers are live', async () => {
    expect(await sample('guestkit_workers_alive')).toBe(0);
    await using worker = await advertise(place, { worker_id: 'worker-counted' });
    expect(worker.worker_id).toBe('worker-counted');
    expect(await sample('guestkit_workers_alive')).toBe(1);
  });

  test('counts recorded events, and tells how old they were', async () => {
    stack.use(await startTestWorker({ redisUrl: place.redis.url, prefix: 'guestkit' }));
    await client.submit({ job_id: 'job-recorded' });
    await eventually(async () => ((await sample('guestkit_recorder_events_total{type="finished"}')) ?? 0) > 0);
    expect(await sample('guestkit_recorder_events_total{type="progress"}')).toBeGreaterThanOrEqual(2);
    expect(await sample('guestkit_recorder_lag_seconds')).toBeGreaterThanOrEqual(0);
  });

  test('watches the event loop', async () => {
    expect(await sample('guestkit_event_loop_lag_seconds')).toBeGreaterThanOrEqual(0);
  });
});
