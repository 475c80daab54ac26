import { type WritingAttempt, writerKey, writerOf } from '../../job/writing-attempt.ts';
import type { AttemptClaim, Fence, WritingAttempts } from '../fence.ts';
import { answersOf } from './answers.ts';
import type { RedisConnection } from './connection.ts';
import { epochKeyOf, runIdIn } from './epoch-hash.ts';

export interface RedisFenceOptions {
  readonly connection: RedisConnection;
  readonly prefix: string;
}

/** Greater than every claim. */
const CLOSED_ATTEMPT = Number.MAX_SAFE_INTEGER;
/** A worker that was stopped for longer than that, and then goes on, finds no key, which keeps it out too. */
export const CLOSED_MS = 24 * 3600 * 1000;

/** Sets the key to a claim unless it has a greater one. */
const RAISE = `
local attempt, token = string.match(redis.call('GET', KEYS[1]) or '0:', '^(%d+):(.*)$')
local known, claimed = tonumber(attempt), tonumber(ARGV[1])
if known == tonumber(ARGV[4]) then return 'closed' end
if known > claimed or (known == claimed and token > ARGV[2]) then return 'overtaken' end
redis.call('SET', KEYS[1], ARGV[1] .. ':' .. ARGV[2], 'PX', ARGV[3])
return 'raised'`;

export function fenceKeyOf(prefix: string, job: Pick<AttemptClaim, 'tenant' | 'jobId'>): string {
  return keyOfWriter(prefix, writerKey(writerOf(job)));
}

/** What the key of a job holds while the attempt has the claim. */
export function claimed({ attempt, token }: Pick<AttemptClaim, 'attempt' | 'token'>): string {
  return `${attempt}:${token}`;
}

/** What it holds when nobody may publish any more; by whom, if it was closed with the end of an attempt. */
export function closed(by = ''): string {
  return `${CLOSED_ATTEMPT}:${by}`;
}

/** One key per job that publishes, which runs out by itself. */
export class RedisFence implements Fence, WritingAttempts {
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
    const answer = await this.#connection.client.eval(RAISE, 1, fenceKeyOf(this.#prefix, { tenant, jobId }), ...values);
    return answer as 'raised' | 'overtaken' | 'closed';
  }

  async holds(claim: AttemptClaim): Promise<boolean> {
    const { client, address } = this.#connection;
    const replies = await client
      .multi()
      .get(fenceKeyOf(this.#prefix, claim))
      .hget(epochKeyOf(this.#prefix), 'confirmed')
      .info('server')
      .exec();
    const [newest, confirmed, server] = answersOf(replies);
    if (newest !== claimed(claim)) return false;
    // without an epoch there is nothing to roll back to
    if (typeof confirmed !== 'string' || confirmed === runIdIn(String(server))) return true;
    throw new Error(`Cannot say who may publish: Redis at ${address} was restarted, and not yet compared with history`);
  }

  async close(tenant: string, jobId: string): Promise<void> {
    await this.#connection.client.set(fenceKeyOf(this.#prefix, { tenant, jobId }), closed(), 'PX', CLOSED_MS);
  }

  async standingOf({ writer, attempt: name }: WritingAttempt): Promise<'newest' | 'over' | 'unknown'> {
    const known = await this.#connection.client.get(keyOfWriter(this.#prefix, writer));
    const [number, token = ''] = name.split('_');
    if (known === null || number === undefined) return 'unknown';
    const attempt = Number(number);
    if (known === claimed({ attempt, token })) return 'newest';
    return isNewer(known, { attempt, token }) ? 'over' : 'unknown';
  }
}

function keyOfWriter(prefix: string, writer: string): string {
  return `${prefix}:fence:${writer}`;
}

/** In the order of `RAISE`. */
function isNewer(known: string, { attempt, token }: Pick<AttemptClaim, 'attempt' | 'token'>): boolean {
  const colon = known.indexOf(':');
  const [knownAttempt, knownToken] = [Number(known.slice(0, colon)), known.slice(colon + 1)];
  return knownAttempt > attempt || (knownAttempt === attempt && knownToken > token);
}
