import type { RedisConnection } from './connection.ts';
import { parseInfo } from './info.ts';

const OLDEST_VERSION = [6, 2] as const;

/** Refuses a Redis that would lose jobs: one too old for BullMQ, or one that evicts keys when memory is short. */
export async function assertRedisFit(connection: RedisConnection): Promise<void> {
  const facts = parseInfo(await connection.client.info());
  const version = facts.get('redis_version') ?? 'unknown';
  if (!isSupported(version)) {
    throw new Error(
      `Cannot use Redis at ${connection.address}: its version is ${version}, expected ${OLDEST_VERSION.join('.')} or later`,
    );
  }
  const policy = facts.get('maxmemory_policy') ?? 'unknown';
  if (policy !== 'noeviction') {
    throw new Error(
      `Cannot use Redis at ${connection.address}: its maxmemory-policy is "${policy}", expected "noeviction", because an ` +
        'evicted key is a lost job. Set "maxmemory-policy noeviction" in redis.conf, or run ' +
        '"redis-cli CONFIG SET maxmemory-policy noeviction"',
    );
  }
}

export function isSupported(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_VERSION;
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}
