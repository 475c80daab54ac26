import { describe, expect, test } from 'vitest';
import { readEvents, type ServerSentEvent } from '../testing/event-source.ts';
import { eventually } from '../testing/eventually.ts';
import { startTestNode } from '../testing/node.ts';
import { setStage } from '../testing/stage.ts';
import { startTestWorker } from '../testing/worker.ts';

const { place, client, stack } = await setStage();
const gates = new Map<string, PromiseWithResolvers<void>>();
const halfway = async (jobId: string) => gates.get(jobId)?.promise;
stack.use(await startTestWorker({ redisUrl: place.redis.url, prefix: 'guestkit', halfway }));

const ALL_TYPES = ['assigned', 'running', 'progress', 'progress', 'finished'];

/** Posts a job that stops halfway until it is let go. */
async function submitHeld(jobId: string): Promise<() => void> {
  const gate = Promise.withResolvers<void>();
  gates.set(jobId, gate);
  await client.submit({ job_id: jobId });
  return gate.resolve;
}

async function submitFinished(jobId: string): Promise<void> {
  await client.submit({ job_id: jobId });
  await eventually(async () => (await client.get(`/api/v1/jobs/${jobId}`)).body.data.status === 'completed');
}

const typesOf = (events: readonly { type: string }[]) => events.map(({ type }) => type);

describe('GET /api/v1/jobs/:id/progress', () => {
  test('lists what happened, without the data of the result', async () => {
    await submitFinished('job-listed');
    const { status, body } = await client.get('/api/v1/jobs/job-listed/progress');
    expect(status).toBe(200);
    expect(typesOf(body.data.events)).toEqual(ALL_TYPES);
    expect(body.data.events[2]).toMatchObject({ phase: 'validation', progress_percent: 10, message: 'looking' });
    expect(body.data.events[4]).toMatchObject({ status: 'completed' });
    expect(body.data.events[4]).not.toHaveProperty('result');
  });

  test('goes on where a list ended', async () => {
    await submitFinished('job-listed-in-parts');
    const path = '/api/v1/jobs/job-listed-in-parts/progress';
    const first = (await client.get(`${path}?limit=2`)).body.data;
    const rest = (await client.get(`${path}?after=${first.next_after}`)).body.data;
    expect(typesOf([...first.events, ...rest.events])).toEqual(ALL_TYPES);
    const none = (await client.get(`${path}?after=${rest.next_after}`)).body.data;
    expect(none).toMatchObject({ events: [], next_after: rest.next_after });
  });

  test.each(['after=x', 'after=-2', 'limit=0', 'since=1'])('refuses ?%s', async (query) => {
    await client.submit({ job_id: 'job-badly-asked' });
    expect((await client.get(`/api/v1/jobs/job-badly-asked/progress?${query}`)).status).toBe(400);
  });

  test('refuses to go on after what is no event of ours', async () => {
    await client.submit({ job_id: 'job-badly-resumed' });
    const headers = { 'last-event-id': 'abc' };
    expect((await client.get('/api/v1/jobs/job-badly-resumed/progress', { headers })).status).toBe(400);
  });
});

describe('the stream of GET /api/v1/jobs/:id/progress', () => {
  test('tells events as they happen and ends with the finished job', async () => {
    const letGo = await submitHeld('job-streamed');
    const seen: ServerSentEvent[] = [];
    for await (const event of readEvents(client, '/api/v1/jobs/job-streamed/progress')) {
      seen.push(event);
      if (event.data.progress_percent === 10) letGo();
    }
    expect(seen.map(({ event }) => event)).toEqual([...ALL_TYPES, 'end']);
    expect(seen.map(({ id }) => id)).toEqual(['0', '1', '2', '3', '4', undefined]);
    expect(seen.at(-1)?.data).toMatchObject({ job_id: 'job-streamed', status: 'completed' });
  });

  test('goes on after the last event that a client has seen', async () => {
    await submitFinished('job-resumed');
    const events = readEvents(client, '/api/v1/jobs/job-resumed/progress', { 'last-event-id': '2' });
    expect((await Array.fromAsync(events)).map(({ event }) => event)).toEqual(['progress', 'finished', 'end']);
  });

  test('tells on one node what another has recorded', async () => {
    await using other = await startTestNode(place);
    const letGo = await submitHeld('job-streamed-elsewhere');
    const [here, there] = [client, other.client].map((node) =>
      Array.fromAsync(readEvents(node, '/api/v1/jobs/job-streamed-elsewhere/progress')),
    );
    letGo();
    expect((await here)?.map(({ event }) => event)).toEqual([...ALL_TYPES, 'end']);
    expect(await there).toEqual(await here);
  });

  test('ends at once for a job that was cancelled before it ran', async () => {
    await client.submit({ job_id: 'job-cancelled-early', routing: { worker_pool: 'lonely' } });
    await client.post('/api/v1/jobs/job-cancelled-early/cancel');
    const events = await Array.fromAsync(readEvents(client, '/api/v1/jobs/job-cancelled-early/progress'));
    expect(events.at(-1)).toMatchObject({ event: 'end', data: { status: 'cancelled' } });
  });

  test('does not keep a node from stopping', async () => {
    const other = await startTestNode(place);
    await client.submit({ job_id: 'job-that-waits', routing: { worker_pool: 'lonely' } });
    const events = readEvents(other.client, '/api/v1/jobs/job-that-waits/progress').next();
    await eventually(async () => (await other.client.fetch('/health/live')).ok);
    const begun = performance.now();
    await other.node.stop();
    expect(performance.now() - begun).toBeLessThan(1500);
    await expect(events).resolves.toMatchObject({ done: true });
  });
});
