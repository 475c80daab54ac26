import type { RedisConnection } from './connection.ts';
import { parseInfo } from './info.ts';

/** Of those that BullMQ works with. */
export const OLDEST_VERSION = [6, 2] as const;

/** What decides whether a Redis keeps what it is given. */
export interface RedisFacts {
  readonly version: string;
  readonly isSupported: boolean;
  readonly maxmemoryPolicy: string;
  /** Whether it writes an append-only file, and the last write of it succeeded. */
  readonly appendOnly: 'off' | 'ok' | 'failing';
  readonly usedMemoryBytes: number;
  /** 0 for no bound. */
  readonly maxMemoryBytes: number;
  /** By its own clock, milliseconds since the epoch. */
  readonly timeMs: number;
}

export async function readRedisFacts({ client }: RedisConnection): Promise<RedisFacts> {
  const [info, [seconds, microseconds]] = await Promise.all([client.info(), client.time()]);
  const facts = parseInfo(info);
  const version = facts.get('redis_version') ?? 'unknown';
  const isAofFine = facts.get('aof_last_write_status') === 'ok';
  return {
    version,
    isSupported: isSupported(version),
    maxmemoryPolicy: facts.get('maxmemory_policy') ?? 'unknown',
    appendOnly: facts.get('aof_enabled') !== '1' ? 'off' : isAofFine ? 'ok' : 'failing',
    usedMemoryBytes: Number(facts.get('used_memory') ?? 0),
    maxMemoryBytes: Number(facts.get('maxmemory') ?? 0),
    timeMs: Number(seconds) * 1000 + Number(microseconds) / 1000,
  };
}

function isSupported(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_VERSION;
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}
