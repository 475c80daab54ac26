import type { RedisConnection } from './connection.ts';
import { parseInfo } from './info.ts';

export interface RedisMemory {
  readonly usedBytes: number;
  /** 0 when Redis has no bound. */
  readonly maxBytes: number;
}

export async function readRedisMemory({ client }: RedisConnection): Promise<RedisMemory> {
  const facts = parseInfo(await client.info('memory'));
  return { usedBytes: Number(facts.get('used_memory') ?? 0), maxBytes: Number(facts.get('maxmemory') ?? 0) };
}
