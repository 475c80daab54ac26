import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { JobEvent } from '../../job/event.ts';
import type { EndPublication, EventBacklog, EventConsumption, EventStream } from '../event-stream.ts';
import type { AttemptClaim } from '../fence.ts';
import type { RedisConnection } from './connection.ts';
import { type EncodedEntry, encodeEvents } from './event-codec.ts';
import { EventReader } from './event-reader.ts';
import { CLOSED_MS, claimed, closed, fenceKeyOf } from './fence.ts';

export interface RedisEventStreamOptions {
  /** The stream opens others like it and disposes of those. */
  readonly connection: RedisConnection;
  readonly prefix: string;
  /** After how long a batch that was read but not recorded goes to another consumer. */
  readonly reclaimAfterMs?: number;
}

const RECLAIM_AFTER_MS = 5_000;
/** A Redis without memory is asked again so often. */
const FULL_AGAIN_MS = 100;
/** Older than any entry. */
const NOTHING = '0-0';

/** Says the same again when it is sent again because an answer got lost. */
const PUBLISH_END = `
local known = redis.call('GET', KEYS[1]) or ''
if known == ARGV[2] then return 'published' end
if string.match(known, '^%d+:') == ARGV[3] then return 'closed' end
if known ~= ARGV[1] then return 'overtaken' end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[4])
for i = 5, #ARGV, 2 do redis.call('XADD', KEYS[2], '*', ARGV[i], ARGV[i + 1]) end
return 'published'`;

/** One Redis stream for all events. Entries leave it once they are recorded, so its length is the recorders' backlog. */
export class RedisEventStream implements EventStream {
  readonly #options: Required<RedisEventStreamOptions>;
  readonly #closing = new AbortController();
  readonly #consumptions = new Set<Promise<void>>();
  #writer: RedisConnection | undefined;
  #gathered: { readonly events: JobEvent[]; readonly sent: Promise<void> } | undefined;

  constructor(options: RedisEventStreamOptions) {
    this.#options = { reclaimAfterMs: RECLAIM_AFTER_MS, ...options };
  }

  /** What one turn of the event loop publishes goes together: most events are small, and many attempts tell theirs at once. */
  async publish(events: readonly JobEvent[]): Promise<void> {
    this.#gathered ??= { events: [], sent: this.#sendAfterThisTurn() };
    this.#gathered.events.push(...events);
    await this.#gathered.sent;
  }

  async publishEnd(events: readonly JobEvent[], claim: AttemptClaim): Promise<EndPublication> {
    const keys = [fenceKeyOf(this.#options.prefix, claim), this.#key];
    const values = [claimed(claim), closed(claimed(claim)), closed(), CLOSED_MS];
    const entries = await encodeEvents(events);
    const answer = await this.#onceThereIsRoom((client) =>
      client.eval(PUBLISH_END, keys.length, ...keys, ...values, ...entries.flat()),
    );
    return answer as EndPublication;
  }

  async consume(options: EventConsumption, signal: AbortSignal): Promise<void> {
    const consumption = this.#read(options, AbortSignal.any([signal, this.#closing.signal]));
    this.#consumptions.add(consumption);
    await consumption.finally(() => this.#consumptions.delete(consumption));
  }

  async mark(): Promise<string> {
    const [newest] = await this.#options.connection.client.xrevrange(this.#key, '+', '-', 'COUNT', 1);
    // entries leave the stream once they are recorded, so in an empty one all are
    return newest?.[0] ?? NOTHING;
  }

  async isRecorded(mark: string): Promise<boolean> {
    if (mark === NOTHING) return true;
    return (await this.#options.connection.client.xrange(this.#key, '-', mark, 'COUNT', 1)).length === 0;
  }

  async backlog(): Promise<EventBacklog> {
    const { client } = this.#options.connection;
    const [entries, [oldest]] = await Promise.all([
      client.xlen(this.#key),
      client.xrange(this.#key, '-', '+', 'COUNT', 1),
    ]);
    return { entries, sinceMs: oldest && Number.parseInt(oldest[0], 10) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    // what was published in this turn is still to be sent
    if (this.#gathered) await nextTurn();
    await Promise.allSettled(this.#consumptions);
    await this.#writer?.[Symbol.asyncDispose]();
  }

  async #sendAfterThisTurn(): Promise<void> {
    await nextTurn();
    const events = this.#gathered?.events ?? [];
    this.#gathered = undefined;
    const entries = await encodeEvents(events);
    const add = ([field, value]: EncodedEntry) =>
      this.#onceThereIsRoom((client) => client.xadd(this.#key, '*', field, value));
    await Promise.all(entries.map(add));
  }

  /** What happened has happened, also when Redis has no memory to hear of it now. */
  async #onceThereIsRoom<Answer>(send: (client: Redis) => Promise<Answer>): Promise<Answer> {
    for (;;) {
      try {
        return await send(this.#writing());
      } catch (error) {
        if (!isFull(error) || this.#closing.signal.aborted) throw error;
      }
      await delay(FULL_AGAIN_MS);
    }
  }

  /** It waits for Redis to return, and then sends again what got no answer. */
  #writing(): Redis {
    this.#writer ??= this.#options.connection.duplicate('consumer');
    return this.#writer.client;
  }

  async #read(options: EventConsumption, signal: AbortSignal): Promise<void> {
    await using connection = this.#options.connection.duplicate('consumer');
    const reader = new EventReader({
      ...options,
      client: connection.client,
      key: this.#key,
      reclaimAfterMs: this.#options.reclaimAfterMs,
    });
    await reader.run(signal);
  }

  get #key(): string {
    return `${this.#options.prefix}:events`;
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('OOM');
}
