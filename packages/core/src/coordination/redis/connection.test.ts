import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../../../../test/support/condition.ts';
import { startRedis, type TestRedis } from '../../../../../test/support/redis-server.ts';
import { connectRedis } from './connection.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  await redis[Symbol.asyncDispose]();
});

describe('connectRedis', () => {
  test.each(['unix:', 'unix://', ''])('takes the path of a socket behind "%s"', async (scheme) => {
    await using connection = await connectRedis(`${scheme}${redis.url.slice('unix:'.length)}`, { role: 'client' });
    expect(connection.isReady).toBe(true);
    expect(await connection.client.ping()).toBe('PONG');
  });

  test('says where it could not connect and why, without the password', async () => {
    const url = 'redis://user:secret@127.0.0.1:1/0';
    const failure = connectRedis(url, { role: 'client', timeoutMs: 200 });
    await expect(failure).rejects.toThrow(/^Cannot reach Redis at redis:\/\/127\.0\.0\.1:1\/0: .*ECONNREFUSED/);
  });

  test('fails a command of a client at once while Redis is away, and works again when it is back', async () => {
    await using connection = await connectRedis(redis.url, { role: 'client' });
    await redis.kill();
    await until('the loss is noticed', () => !connection.isReady);
    await expect(connection.client.ping()).rejects.toThrow();
    await redis.restart();
    await until('it is back', () => connection.isReady);
    expect(await connection.client.ping()).toBe('PONG');
  });

  test('lets a command of a consumer wait until Redis is back', async () => {
    await using connection = await connectRedis(redis.url, { role: 'client' });
    await using consumer = connection.duplicate('consumer');
    await redis.kill();
    await until('the loss is noticed', () => !consumer.isReady);
    const answer = consumer.client.ping();
    await redis.restart();
    expect(await answer).toBe('PONG');
  });

  test('tells of faults', async () => {
    const faults: Error[] = [];
    await using _connection = await connectRedis(redis.url, { role: 'client', onError: (error) => faults.push(error) });
    await redis.kill();
    await until('a fault is told', () => faults.length > 0);
    await redis.restart();
  });

  test('fails what still waits when it is disposed of while Redis is away', async () => {
    const connection = await connectRedis(redis.url, { role: 'consumer' });
    await redis.kill();
    await until('the loss is noticed', () => connection.client.status === 'reconnecting');
    const answer = expect(connection.client.ping()).rejects.toThrow('Connection is closed');
    await connection[Symbol.asyncDispose]();
    await answer;
    expect(connection.client.status).toBe('end');
    await redis.restart();
  });
});
