import { connectRedis } from '@guestkit/core/coordination/redis/connection';
import { RedisEventStream } from '@guestkit/core/coordination/redis/event-stream';
import { createBullmqQueue } from '@guestkit/core/queue/bullmq-queue';
import { describe, expect, onTestFinished, test } from 'vitest';
import { attemptEvents } from '../../../../test/support/job-events.ts';
import { eventually } from '../testing/eventually.ts';
import { openPlace, startTestNode } from '../testing/node.ts';
import { startTestWorker } from '../testing/worker.ts';

const MIB = 2 ** 20;

async function setUp(argv: readonly string[]) {
  const stack = new AsyncDisposableStack();
  onTestFinished(() => stack.disposeAsync());
  const place = stack.use(await openPlace());
  const connection = stack.use(await connectRedis(place.redis.url, { role: 'client' }));
  const { client } = stack.use(await startTestNode(place, { argv }));
  const refusal = () =>
    eventually(async () => {
      const reply = await client.submit();
      return reply.status === 503 && reply;
    });
  return { stack, place, client, redis: connection.client, connection, refusal };
}

describe('a node takes in no more jobs', () => {
  test('when too many wait, says so, and takes them in again when fewer do', async () => {
    const { stack, place, client, refusal } = await setUp(['--admission-waiting-jobs', '3']);
    const { headers, body } = await refusal();
    expect(body).toMatchObject({
      error: 'OVERLOADED',
      message: expect.stringMatching(/^Cannot take in more jobs: waiting is at \d+, its mark is 3$/),
      details: { passed: [{ gauge: 'waiting', mark: 3 }] },
    });
    expect(headers.get('retry-after')).toBe('5');
    const metrics = (await client.get('/metrics')).body;
    expect(metrics).toMatch(/^guestkit_admission_open 0$/m);
    expect(metrics).toMatch(/^guestkit_admission_refused_total\{reason="waiting"\} [1-9]/m);
    const accepted = (await client.get('/api/v1/jobs?limit=200')).body.data.jobs;
    stack.use(await startTestWorker({ redisUrl: place.redis.url, prefix: 'guestkit' }));
    await eventually(async () => (await client.submit()).status === 202);
    // nothing that was accepted is dropped
    for (const { job_id } of accepted) {
      await eventually(async () => (await client.get(`/api/v1/jobs/${job_id}`)).body.data.status === 'completed');
    }
  });

  test('when Redis is full to its share, and finds out by itself that it is not any more', async () => {
    const { client, redis, refusal } = await setUp([]);
    await redis.set('ballast', Buffer.alloc(20 * MIB));
    await redis.config('SET', 'maxmemory', String(24 * MIB));
    expect((await refusal()).body.details.passed).toMatchObject([{ gauge: 'redis-memory' }]);
    const batch = await client.post('/api/v1/jobs/batch', [{ operation: 'system.echo', payload: { data: 1 } }]);
    expect(batch).toMatchObject({ status: 503, body: { error: 'OVERLOADED' } });
    await redis.del('ballast');
    await eventually(async () => (await client.submit()).status === 202);
  });

  test('when Redis without a bound is beyond the mark in bytes', async () => {
    const { redis, refusal } = await setUp(['--admission-redis-bytes', String(20 * MIB)]);
    await redis.set('ballast', Buffer.alloc(20 * MIB));
    expect((await refusal()).body.details.passed).toMatchObject([{ gauge: 'redis-memory', mark: 20 * MIB }]);
  });

  test('when too many accepted jobs could not be given to the queue', async () => {
    const { place, client, refusal } = await setUp(['--admission-outbox-jobs', '2']);
    await place.redis.stop();
    expect((await refusal()).body.details.passed).toMatchObject([{ gauge: 'outbox', mark: 2 }]);
    await place.redis.restart();
    await eventually(async () => (await client.submit()).status === 202);
  });

  test('when events pile up that nobody records', async () => {
    const { stack, connection, refusal } = await setUp(['--admission-recorder-entries', '2']);
    const other = stack.use(await connectRedis(connection.address, { role: 'client' }));
    const stream = stack.use(new RedisEventStream({ connection: other, prefix: 'guestkit' }));
    const flood = setInterval(() => {
      for (let n = 0; n < 50; n++)
        void stream.publish([attemptEvents({ job_id: `job-flood-${n}` }).assigned()]).catch(() => {});
    }, 5);
    onTestFinished(() => clearInterval(flood));
    expect((await refusal()).body.details.passed).toMatchObject([{ gauge: 'recorder' }]);
  });
});

test('jobs that Redis has no memory for are accepted, and carried to it when it has', async () => {
  const { stack, place, client, redis, connection } = await setUp(['--admission-redis-percent', '0']);
  await redis.set('ballast', Buffer.alloc(20 * MIB));
  await redis.config('SET', 'maxmemory', String(16 * MIB));
  const queue = stack.use(createBullmqQueue({ connection, prefix: 'guestkit' }));
  const replies = await Promise.all(Array.from({ length: 20 }, () => client.submit()));
  expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([202]));
  expect(await queue.depth({ tenant: 'default', pool: 'default' })).toMatchObject({ waiting: 0 });
  await redis.del('ballast');
  // the buffer that the ballast came in is given back a little later
  await eventually(async () => (await redis.set('room', '').catch(() => undefined)) === 'OK');
  stack.use(await startTestWorker({ redisUrl: place.redis.url, prefix: 'guestkit' }));
  for (const { body } of replies) {
    const path = `/api/v1/jobs/${body.data.job_id}`;
    await eventually(async () => (await client.get(path)).body.data.status === 'completed');
  }
});

test('a payload beyond its limit is refused, whatever else the document holds', async () => {
  const { client } = await setUp(['--payload-limit-bytes', '2000']);
  const annotations = { note: 'x'.repeat(5000) };
  expect((await client.submit({ payload: { data: 'x'.repeat(1998) }, metadata: { annotations } })).status).toBe(202);
  const { status, body } = await client.submit({ payload: { data: 'x'.repeat(1999) } });
  expect(status).toBe(413);
  expect(body).toEqual({
    error: 'PAYLOAD_TOO_LARGE',
    message: 'Cannot accept the job: its payload has 2001 bytes, at most 2000 fit',
    details: { field: 'payload.data', limit_bytes: 2000 },
  });
  const batch = await client.post('/api/v1/jobs/batch', [
    { operation: 'system.echo', payload: { data: 'x'.repeat(1999) } },
    { operation: 'system.echo', payload: { data: 'x' } },
  ]);
  expect(batch.body.data.counts).toMatchObject({ created: 1, invalid: 1 });
});
