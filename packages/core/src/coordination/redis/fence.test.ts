import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../../../../test/support/condition.ts';
import { startRedis, type TestRedis } from '../../../../../test/support/redis-server.ts';
import { newToken } from '../fence.ts';
import { connectRedis, type RedisConnection } from './connection.ts';
import { RedisFence } from './fence.ts';
import { RedisQueueEpochKey } from './queue-epoch-key.ts';

let redis: TestRedis;
let connection: RedisConnection;
beforeAll(async () => {
  redis = await startRedis();
  connection = await connectRedis(redis.url, { role: 'client' });
});
afterAll(async () => {
  await connection[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

const LONG_MS = 60_000;
const JOB = { tenant: 'acme', jobId: 'job-test-0001' };

const open = () => new RedisFence({ connection, prefix: randomUUID() });
const claim = (attempt: number, token = 'a') => ({ ...JOB, attempt, token });

describe('RedisFence', () => {
  test('lets the newest attempt publish, and no older one', async () => {
    const fence = open();
    expect(await fence.raise(claim(2), LONG_MS)).toBe('raised');
    expect(await fence.raise(claim(10), LONG_MS)).toBe('raised');
    expect(await fence.holds(claim(10))).toBe(true);
    expect(await fence.holds(claim(2))).toBe(false);
    expect(await fence.raise(claim(2), LONG_MS)).toBe('overtaken');
    expect(await fence.holds(claim(10))).toBe(true);
  });

  test('tells twins of one number apart by their tokens, whichever comes first', async () => {
    for (const order of [
      ['a', 'b'],
      ['b', 'a'],
    ] as const) {
      const fence = open();
      for (const token of order) await fence.raise(claim(1, token), LONG_MS);
      expect(await fence.holds(claim(1, 'a'))).toBe(false);
      expect(await fence.holds(claim(1, 'b'))).toBe(true);
    }
  });

  test('takes the same claim twice', async () => {
    const fence = open();
    expect(await fence.raise(claim(1), LONG_MS)).toBe('raised');
    expect(await fence.raise(claim(1), LONG_MS)).toBe('raised');
  });

  test('keeps jobs apart', async () => {
    const fence = open();
    await fence.raise(claim(5), LONG_MS);
    expect(await fence.raise({ ...claim(1), jobId: 'job-other-001' }, LONG_MS)).toBe('raised');
    expect(await fence.raise({ ...claim(1), tenant: 'other' }, LONG_MS)).toBe('raised');
  });

  test('lets nobody publish that it does not know, as after a flush', async () => {
    const fence = open();
    await fence.raise(claim(1), LONG_MS);
    await connection.client.flushall();
    expect(await fence.holds(claim(1))).toBe(false);
  });

  test('lets nobody publish for a job that was closed', async () => {
    const fence = open();
    await fence.raise(claim(1), LONG_MS);
    await fence.close(JOB.tenant, JOB.jobId);
    expect(await fence.holds(claim(1))).toBe(false);
    expect(await fence.raise(claim(2), LONG_MS)).toBe('closed');
  });

  test('forgets a claim when its time is over', async () => {
    const fence = open();
    await fence.raise(claim(1), 10);
    await until('its time is over', async () => !(await fence.holds(claim(1))));
  });
});

describe('newToken', () => {
  test('is greater the later it is made, and never the same', () => {
    const [early, late] = [newToken(Date.UTC(2026, 0)), newToken(Date.UTC(2100, 0))];
    expect(early < late).toBe(true);
    expect(new Set(Array.from({ length: 100 }, () => newToken(0))).size).toBe(100);
  });

  test('cannot say who may publish in a Redis that was restarted, until that is compared with history', async () => {
    const prefix = randomUUID();
    const fence = new RedisFence({ connection, prefix });
    const epochKey = new RedisQueueEpochKey({ connection, prefix });
    await fence.raise(claim(1), LONG_MS);
    await epochKey.confirm('an earlier run');
    await expect(fence.holds(claim(1))).rejects.toThrow(/restarted/);
    await epochKey.confirm((await epochKey.advance()).instance);
    expect(await fence.holds(claim(1))).toBe(true);
    expect(await epochKey.advance()).toMatchObject({ isConfirmed: true });
  });
});
