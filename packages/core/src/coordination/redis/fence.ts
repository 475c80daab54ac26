import type { AttemptClaim, Fence } from '../fence.ts';
import { answersOf } from './answers.ts';
import type { RedisConnection } from './connection.ts';
import { epochKeyOf, runIdIn } from './epoch-hash.ts';

export interface RedisFenceOptions {
  readonly connection: RedisConnection;
  readonly prefix: string;
}

/** Greater than every claim. */
const CLOSED_ATTEMPT = Number.MAX_SAFE_INTEGER;

/** Sets the key to a claim unless it has a greater one. */
const RAISE = `
local attempt, token = string.match(redis.call('GET', KEYS[1]) or '0:', '^(%d+):(.*)$')
local known, claimed = tonumber(attempt), tonumber(ARGV[1])
if known == tonumber(ARGV[4]) then return 'closed' end
if known > claimed or (known == claimed and token > ARGV[2]) then return 'overtaken' end
redis.call('SET', KEYS[1], ARGV[1] .. ':' .. ARGV[2], 'PX', ARGV[3])
return 'raised'`;

/** A worker that was stopped for longer than that, and then goes on, finds no key, which keeps it out too. */
const CLOSED_MS = 24 * 3600 * 1000;

/** One key per job that publishes, which runs out by itself. */
export class RedisFence implements Fence {
  readonly #connection: RedisConnection;
  readonly #prefix: string;

  constructor({ connection, prefix }: RedisFenceOptions) {
    this.#connection = connection;
    this.#prefix = prefix;
  }

  async raise(
    { tenant, jobId, attempt, token }: AttemptClaim,
    timeToLiveMs: number,
  ): Promise<'raised' | 'overtaken' | 'closed'> {
    const values = [attempt, token, Math.ceil(timeToLiveMs), CLOSED_ATTEMPT];
    const answer = await this.#connection.client.eval(RAISE, 1, this.#keyOf(tenant, jobId), ...values);
    return answer as 'raised' | 'overtaken' | 'closed';
  }

  async holds({ tenant, jobId, attempt, token }: AttemptClaim): Promise<boolean> {
    const { client, address } = this.#connection;
    const replies = await client
      .multi()
      .get(this.#keyOf(tenant, jobId))
      .hget(epochKeyOf(this.#prefix), 'confirmed')
      .info('server')
      .exec();
    const [newest, confirmed, server] = answersOf(replies);
    if (newest !== `${attempt}:${token}`) return false;
    // without an epoch there is nothing to roll back to
    if (typeof confirmed !== 'string' || confirmed === runIdIn(String(server))) return true;
    throw new Error(`Cannot say who may publish: Redis at ${address} was restarted, and not yet compared with history`);
  }

  async close(tenant: string, jobId: string): Promise<void> {
    await this.#connection.client.set(this.#keyOf(tenant, jobId), `${CLOSED_ATTEMPT}:`, 'PX', CLOSED_MS);
  }

  #keyOf(tenant: string, jobId: string): string {
    return `${this.#prefix}:fence:${tenant}:${jobId}`;
  }
}
