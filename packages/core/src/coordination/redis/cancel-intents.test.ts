import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../../../../test/support/condition.ts';
import { startRedis, type TestRedis } from '../../../../../test/support/redis-server.ts';
import { RedisCancelIntents } from './cancel-intents.ts';
import { connectRedis, type RedisConnection } from './connection.ts';

const INTENT = { tenant: 'acme', jobId: 'job-test-0001', reason: 'not needed' };

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

function open({ prefix = randomUUID(), pollMs = 60_000 } = {}) {
  const intents = new RedisCancelIntents({ connection, prefix, pollMs });
  const watch = () => intents.watch((error) => expect.fail(error.message));
  return { intents, watch, prefix };
}

describe('RedisCancelIntents', () => {
  test('tells those who watch, without their asking', async () => {
    const { intents, watch } = open();
    await using copy = await watch();
    expect(copy.reasonFor('acme', INTENT.jobId)).toBeUndefined();
    await intents.tell([INTENT]);
    await until('the copy knows', () => copy.reasonFor('acme', INTENT.jobId) === 'not needed');
    expect(copy.reasonFor('other', INTENT.jobId)).toBeUndefined();
  });

  test('is known to those who watch only later', async () => {
    const { intents, watch } = open();
    await intents.tell([INTENT]);
    await using copy = await watch();
    expect(copy.reasonFor('acme', INTENT.jobId)).toBe('not needed');
  });

  test('calls those who follow the job, once they begin or once it is told', async () => {
    const { intents, watch } = open();
    await using copy = await watch();
    const heard: string[] = [];
    using _early = copy.follow('acme', INTENT.jobId, (reason) => heard.push(`early: ${reason}`));
    const left = copy.follow('acme', INTENT.jobId, () => heard.push('left'));
    left[Symbol.dispose]();
    using _other = copy.follow('acme', 'job-other-001', () => heard.push('other'));
    await intents.tell([INTENT]);
    await until('the follower is called', () => heard.length > 0);
    using _late = copy.follow('acme', INTENT.jobId, (reason) => heard.push(`late: ${reason}`));
    expect(heard).toEqual(['early: not needed', 'late: not needed']);
  });

  test('finds what no message told of', async () => {
    const { intents, watch, prefix } = open({ pollMs: 20 });
    await using copy = await watch();
    await connection.client.hset(`${prefix}:cancels`, JSON.stringify(['acme', INTENT.jobId]), 'told to nobody');
    await connection.client.set(`${prefix}:cancels:version`, 'another');
    await until('the copy knows', () => copy.reasonFor('acme', INTENT.jobId) === 'told to nobody');
    await intents.withdraw([INTENT]);
    await until('the copy has forgotten', () => copy.reasonFor('acme', INTENT.jobId) === undefined);
    expect(await intents.list()).toEqual([]);
  });

  test('finds what was told while it was not connected', async () => {
    const { intents, watch } = open({ pollMs: 20 });
    await using copy = await watch();
    await connection.client.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await intents.tell([INTENT]);
    await until('the copy knows', () => copy.reasonFor('acme', INTENT.jobId) === 'not needed');
  });

  test('hears again after a flush', async () => {
    const { intents, watch } = open({ pollMs: 20 });
    await using copy = await watch();
    await intents.tell([INTENT]);
    await connection.client.flushall();
    await until('the copy has forgotten', () => copy.reasonFor('acme', INTENT.jobId) === undefined);
    await intents.tell([INTENT]);
    await until('the copy knows', () => copy.reasonFor('acme', INTENT.jobId) === 'not needed');
  });

  test('lists what was told, until it is withdrawn', async () => {
    const { intents } = open();
    const other = { ...INTENT, tenant: 'other', reason: '' };
    await intents.tell([]);
    await intents.tell([INTENT, other]);
    expect(await intents.list()).toEqual(expect.arrayContaining([INTENT, other]));
    await intents.withdraw([INTENT]);
    expect(await intents.list()).toEqual([other]);
    await intents.withdraw([]);
  });
});
