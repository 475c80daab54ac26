import { describe, expect, test } from 'vitest';
import { startRedis } from '../../../../../test/support/redis-server.ts';
import { assertRedisFit } from './check.ts';
import { connectRedis } from './connection.ts';

describe('assertRedisFit', () => {
  test('accepts a Redis that evicts nothing', async () => {
    await using redis = await startRedis();
    await using connection = await connectRedis(redis.url, { role: 'client' });
    await expect(assertRedisFit(connection)).resolves.toBeUndefined();
  });

  test.each(['allkeys-lru', 'volatile-ttl'])('refuses the policy %s, and says what to set', async (policy) => {
    await using redis = await startRedis({ args: ['--maxmemory-policy', policy] });
    await using connection = await connectRedis(redis.url, { role: 'client' });
    await expect(assertRedisFit(connection)).rejects.toThrow(
      new RegExp(`maxmemory-policy is "${policy}", expected "noeviction".*CONFIG SET maxmemory-policy noeviction`),
    );
  });

  test.each([
    ['5.0.14', false],
    ['6.0.16', false],
    ['6.2.0', true],
    ['7.0.15', true],
    ['10.0.1', true],
  ])('judges version %s: %s', async (version, isFit) => {
    await using redis = await startRedis();
    await using connection = await connectRedis(redis.url, { role: 'client' });
    const info = `redis_version:${version}\r\nmaxmemory_policy:noeviction\r\n`;
    // the one thing that no Redis at hand can be made to say
    connection.client.info = () => Promise.resolve(info);
    const judgement = assertRedisFit(connection).then(
      () => true,
      (error: Error) => !error.message.includes(`its version is ${version}, expected 6.2 or later`),
    );
    expect(await judgement).toBe(isFit);
  });
});
