import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { JobEvent } from '../../job/event.ts';
import type { EventConsumption } from '../event-stream.ts';
import { answersOf } from './answers.ts';
import { decodeEvents } from './event-codec.ts';

export interface EventReaderOptions extends EventConsumption {
  /** Not shared with anybody: it blocks. */
  readonly client: Redis;
  readonly key: string;
  readonly reclaimAfterMs: number;
}

interface Entry {
  readonly id: string;
  /** `undefined` when the entry was deleted after it had been handed out. */
  readonly fields: readonly Buffer[] | undefined;
}

interface ReadEntry {
  readonly id: string;
  readonly events: readonly JobEvent[];
}

const GROUP = 'recorders';
const BLOCK_MS = 2_000;
const PAUSE_AFTER_FAULT_MS = 250;
/** Entries of one read: each may have 64 KiB. */
const MAX_ENTRIES = 500;
const GATHER_MS = 15;
const MAX_GATHER_MS = 50;
const LOOK_AGAIN_MS = 10;

/**
 * Reads the stream as one consumer of the group: first what it had read but not recorded, then, now and again, what a vanished
 * consumer left, otherwise new entries. A recorded entry leaves the stream. Any fault is told, and the reading begins anew.
 *
 * Entries are recorded in the order of the stream, whoever has read them: an attempt that was overtaken must not end its job because
 * another consumer still has the start of the newer one.
 */
export class EventReader {
  readonly #options: EventReaderOptions;
  #isOwnBacklogRead = false;
  #nextReclaimMs = 0;
  #isBlocked = false;

  constructor(options: EventReaderOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { client } = this.#options;
    const cut = Promise.withResolvers<void>();
    const cutShort = () => {
      // only a read may be cut short: what is being recorded should also leave the stream, unless Redis is not there to hear of it
      if (!signal.aborted || (!this.#isBlocked && client.status === 'ready')) return;
      client.disconnect();
      // a client that is between two attempts to connect tells waiting commands nothing
      cut.resolve();
    };
    signal.addEventListener('abort', cutShort);
    client.on('close', cutShort);
    while (!signal.aborted) {
      const reading = this.#readOnce(signal).catch((error) => (signal.aborted ? undefined : this.#mend(error, signal)));
      await Promise.race([reading, cut.promise]);
    }
    client.off('close', cutShort);
    signal.removeEventListener('abort', cutShort);
  }

  async #readOnce(signal: AbortSignal): Promise<void> {
    const entries = await this.#decode(await this.#nextEntries(signal));
    const startedMs = performance.now();
    for (const portion of portionsOf(entries, this.#options.batchSize)) {
      if (!(await this.#isNext(portion, signal))) return;
      await this.#record(portion);
    }
    if (entries.length < 2 || entries.length >= this.#maxEntries) return;
    // a busy stream has more in a moment, and many small batches cost more than a few large ones
    const tookMs = performance.now() - startedMs;
    await pause(Math.min(MAX_GATHER_MS, Math.max(GATHER_MS, tookMs)), signal);
  }

  /** Waits until no other consumer has older entries, or has vanished with them. `false` when the signal fires before that. */
  async #isNext([first]: readonly ReadEntry[], signal: AbortSignal): Promise<boolean> {
    for (;;) {
      const idleMs = first && (await this.#idleMsOfOlder(first.id));
      if (idleMs === undefined) return true;
      const left = idleMs >= this.#options.reclaimAfterMs ? await this.#claimLeft() : [];
      for (const portion of portionsOf(await this.#decode(left), this.#options.batchSize)) await this.#record(portion);
      if (left.length === 0) await pause(LOOK_AGAIN_MS, signal);
      if (signal.aborted) return false;
    }
  }

  /** For how long another consumer has had the oldest entry that is not recorded, if that is older than this one. */
  async #idleMsOfOlder(id: string): Promise<number | undefined> {
    const { client, key, consumer } = this.#options;
    const [oldest] = await client.xpending(key, GROUP, '-', `(${id}`, 1);
    if (!Array.isArray(oldest)) return undefined;
    const [, holder, idleMs] = oldest.map(String);
    return holder === consumer ? undefined : Number(idleMs);
  }

  get #maxEntries(): number {
    return Math.min(MAX_ENTRIES, this.#options.batchSize);
  }

  /** A portion is one batch, unless it is one entry that has more. */
  async #record(portion: readonly ReadEntry[]): Promise<void> {
    const { batchSize, record } = this.#options;
    const events = portion.flatMap((entry) => entry.events);
    for (let at = 0; at < events.length; at += batchSize) await record(events.slice(at, at + batchSize));
    await this.#drop(portion.map((entry) => entry.id));
  }

  async #nextEntries(signal: AbortSignal): Promise<readonly Entry[]> {
    if (!this.#isOwnBacklogRead) {
      const backlog = await this.#readGroup('0');
      this.#isOwnBacklogRead = backlog.length === 0;
      return backlog;
    }
    const left = await this.#reclaim();
    return left.length > 0 || signal.aborted ? left : this.#readNew();
  }

  async #reclaim(): Promise<readonly Entry[]> {
    if (performance.now() < this.#nextReclaimMs) return [];
    const entries = await this.#claimLeft();
    if (entries.length === 0) this.#nextReclaimMs = performance.now() + this.#options.reclaimAfterMs / 2;
    return entries;
  }

  async #claimLeft(): Promise<readonly Entry[]> {
    const { client, key, consumer, reclaimAfterMs } = this.#options;
    const range = [reclaimAfterMs, '0', 'COUNT', this.#maxEntries];
    const answer = await client.callBuffer('XAUTOCLAIM', [key, GROUP, consumer, ...range]);
    return Array.isArray(answer) ? parseEntries(answer[1]) : [];
  }

  async #readNew(): Promise<readonly Entry[]> {
    this.#isBlocked = true;
    try {
      return await this.#readGroup('>');
    } finally {
      this.#isBlocked = false;
    }
  }

  async #readGroup(from: '0' | '>'): Promise<readonly Entry[]> {
    const { client, key, consumer } = this.#options;
    const group = ['GROUP', GROUP, consumer, 'COUNT', this.#maxEntries, 'BLOCK', BLOCK_MS];
    const answer = await client.callBuffer('XREADGROUP', [...group, 'STREAMS', key, from]);
    const stream = Array.isArray(answer) ? answer[0] : undefined;
    return Array.isArray(stream) ? parseEntries(stream[1]) : [];
  }

  /** An entry that cannot be read now never can: it is told, and dropped with the rest. */
  #decode(entries: readonly Entry[]): Promise<readonly ReadEntry[]> {
    return Promise.all(entries.map((entry) => this.#decodeEntry(entry)));
  }

  async #decodeEntry({ id, fields }: Entry): Promise<ReadEntry> {
    try {
      return { id, events: fields === undefined ? [] : await decodeEvents(fields) };
    } catch (error) {
      this.#options.onError(error as Error);
      return { id, events: [] };
    }
  }

  async #drop(ids: readonly string[]): Promise<void> {
    const { client, key } = this.#options;
    const replies = await client
      .multi()
      .xack(key, GROUP, ...ids)
      .xdel(key, ...ids)
      .exec();
    answersOf(replies);
  }

  /** Whatever went wrong, what this consumer has read may not be recorded: it reads that again. */
  async #mend(error: Error, signal: AbortSignal): Promise<void> {
    this.#isOwnBacklogRead = false;
    if (isGroupMissing(error)) return this.#createGroup(signal);
    this.#options.onError(error);
    await pause(PAUSE_AFTER_FAULT_MS, signal);
  }

  async #createGroup(signal: AbortSignal): Promise<void> {
    const { client, key, onError } = this.#options;
    try {
      // from the first entry: what was published before the group existed counts too
      await client.xgroup('CREATE', key, GROUP, '0', 'MKSTREAM');
    } catch (error) {
      if (!(error instanceof Error) || error.message.startsWith('BUSYGROUP') || signal.aborted) return;
      onError(error);
      await pause(PAUSE_AFTER_FAULT_MS, signal);
    }
  }
}

/** The stream or its group was never made, or went with a flush of Redis, possibly while we waited on it. */
function isGroupMissing(error: Error): boolean {
  return /^(NOGROUP|UNBLOCKED)/.test(error.message);
}

function parseEntries(answer: unknown): readonly Entry[] {
  return Array.isArray(answer) ? answer.filter(Array.isArray).map(parseEntry) : [];
}

function parseEntry([id, fields]: readonly unknown[]): Entry {
  return { id: String(id), fields: Array.isArray(fields) ? fields.filter(Buffer.isBuffer) : undefined };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return delay(ms, undefined, { signal }).catch(() => {});
}

/** Whole entries, together of no more events than the limit unless a single one has more. */
function* portionsOf(entries: readonly ReadEntry[], maxEvents: number): Generator<readonly ReadEntry[]> {
  let portion: ReadEntry[] = [];
  let events = 0;
  for (const entry of entries) {
    if (portion.length > 0 && events + entry.events.length > maxEvents) {
      yield portion;
      portion = [];
      events = 0;
    }
    portion.push(entry);
    events += entry.events.length;
  }
  if (portion.length > 0) yield portion;
}
