import type { RedisConnection } from './connection.ts';
import { OLDEST_VERSION, readRedisFacts } from './redis-facts.ts';

/** Refuses a Redis that would lose jobs: one too old for BullMQ, or one that evicts keys when memory is short. */
export async function assertRedisFit(connection: RedisConnection): Promise<void> {
  const { version, isSupported, maxmemoryPolicy } = await readRedisFacts(connection);
  if (!isSupported) {
    throw new Error(
      `Cannot use Redis at ${connection.address}: its version is ${version}, expected ${OLDEST_VERSION.join('.')} or later`,
    );
  }
  if (maxmemoryPolicy !== 'noeviction') {
    throw new Error(
      `Cannot use Redis at ${connection.address}: its maxmemory-policy is "${maxmemoryPolicy}", expected "noeviction", because an ` +
        'evicted key is a lost job. Set "maxmemory-policy noeviction" in redis.conf, or run ' +
        '"redis-cli CONFIG SET maxmemory-policy noeviction"',
    );
  }
}
