import { connectRedis } from '@guestkit/core/coordination/redis/connection';
import { createBullmqQueue } from '@guestkit/core/queue/bullmq-queue';
import { describe, expect, test } from 'vitest';
import { advertise } from '../testing/advertisement.ts';
import { eventually } from '../testing/eventually.ts';
import { setStage } from '../testing/stage.ts';

const { place, client, stack } = await setStage();

interface Diagnosis {
  readonly check: string;
  readonly status: string;
  readonly message: string;
}

async function examine(): Promise<{
  readonly healthy: boolean;
  readonly of: (check: string) => Diagnosis | undefined;
}> {
  const { status, body } = await client.get('/api/v1/doctor');
  expect(status).toBe(200);
  const { healthy, diagnoses } = body.data as { readonly healthy: boolean; readonly diagnoses: readonly Diagnosis[] };
  return { healthy, of: (name) => diagnoses.find(({ check }) => check === name) };
}

describe('GET /api/v1/doctor', () => {
  test('finds nothing wrong with a cluster that is well', async () => {
    await using _worker = await advertise(place);
    const { of } = await eventually(async () => {
      const found = await examine();
      return found.healthy && found;
    });
    expect(of('redis')).toMatchObject({
      status: 'ok',
      message: expect.stringContaining('maxmemory-policy noeviction'),
    });
    expect(of('redis persistence')).toMatchObject({ status: 'ok' });
    expect(of('clocks')?.message).toMatch(/^against this node: Redis [+-]?\d+ ms, database [+-]?\d+ ms$/);
    expect(of('leader')?.message).toMatch(/^node-\d+ leads, term \d+$/);
    expect(of('database')?.message).toMatch(/^schema \d{4}-\w+; answers in \d+ ms$/);
  });

  test('tells of what is worth a look, and of what is wrong', async () => {
    const connection = stack.use(await connectRedis(place.redis.url, { role: 'client' }));
    await connection.client.config('SET', 'maxmemory-policy', 'allkeys-lru');
    await connection.client.config('SET', 'appendonly', 'no');
    await connection.client.config('SET', 'maxmemory', '1000000');
    try {
      const { healthy, of } = await examine();
      expect(healthy).toBe(false);
      expect(of('redis')).toMatchObject({ status: 'fault', message: expect.stringContaining('allkeys-lru') });
      expect(of('redis persistence')).toMatchObject({ status: 'warning' });
      expect(of('redis memory')).toMatchObject({ status: 'fault' });
      expect(of('workers')).toMatchObject({ status: 'warning' });
    } finally {
      await connection.client.config('SET', 'maxmemory', '0');
      await connection.client.config('SET', 'maxmemory-policy', 'noeviction');
      await connection.client.config('SET', 'appendonly', 'yes');
    }
  });

  test('answers while Redis is away, and says what it could not look at', async () => {
    await place.redis.kill();
    try {
      const { healthy, of } = await examine();
      expect(healthy).toBe(false);
      expect(of('redis')).toMatchObject({ status: 'unknown' });
      expect(of('database')).toMatchObject({ status: 'ok' });
    } finally {
      await place.redis.restart();
    }
  });
});

describe('POST /api/v1/doctor/repair', () => {
  test('repairs at once what history and the queue disagree about', async () => {
    const connection = stack.use(await connectRedis(place.redis.url, { role: 'client' }));
    const queue = stack.use(createBullmqQueue({ connection, prefix: 'guestkit' }));
    const name = { tenant: 'default', pool: 'default' };
    const repaired = await eventually(async () => {
      await queue.remove(name, 'job-gone-001');
      await client.submit({ job_id: 'job-gone-001' });
      await queue.remove(name, 'job-gone-001');
      const { status, body } = await client.post('/api/v1/doctor/repair');
      return status === 200 && body.data.total > 0 && body.data;
    });
    // unless the leader was faster, which then repaired it all the same
    expect(repaired).toEqual({
      // as far as history was told by then that the queue had it
      repaired: [
        { kind: expect.stringMatching(/^(unknown-to-queue|not-enqueued)$/), pool: 'default', job_id: 'job-gone-001' },
      ],
      total: 1,
    });
    expect((await queue.presence(name, ['job-gone-001'])).get('job-gone-001')).toEqual({ state: 'waiting' });
  });
});
