import { setTimeout as delay } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { inBackground } from '../coordination/background.ts';
import type { RedisConnection } from '../coordination/redis/connection.ts';
import { bullmqPrefix, KEPT_BULLMQ_EVENTS, parseQueueName, queueNamesKey } from './bullmq-layout.ts';
import type { QueueName } from './job-queue.ts';

export interface BullmqBoardOptions {
  /** Of role `client`. */
  readonly connection: RedisConnection;
  readonly prefix: string;
  /** How often new queues are looked for. */
  readonly intervalMs?: number;
  /** Told of all queues, at first and whenever there are more. */
  readonly onQueues: (queues: readonly BoardQueue[]) => void;
  readonly onError: (error: Error) => void;
}

/** A queue as Bull Board's `BullMQAdapter` takes it. */
export interface BoardQueue {
  readonly name: QueueName;
  readonly queue: Queue;
}

/** Tells of the queues of all tenants and pools, as they appear, for Bull Board to show. */
export function bullmqBoardQueues(options: BullmqBoardOptions): AsyncDisposable {
  const queues = new Map<string, BoardQueue>();
  const watching = inBackground((signal) => watch(queues, signal, options));
  return {
    async [Symbol.asyncDispose]() {
      await watching[Symbol.asyncDispose]();
      await Promise.all([...queues.values()].map(({ queue }) => queue.close()));
    },
  };
}

async function watch(queues: Map<string, BoardQueue>, signal: AbortSignal, options: BullmqBoardOptions): Promise<void> {
  while (!signal.aborted) {
    await addNewQueues(queues, options).catch(options.onError);
    await delay(options.intervalMs ?? 2_000, undefined, { signal }).catch(() => {});
  }
}

async function addNewQueues(queues: Map<string, BoardQueue>, options: BullmqBoardOptions): Promise<void> {
  const names = await options.connection.client.smembers(queueNamesKey(options.prefix));
  const added = names.sort().filter((name) => !queues.has(name));
  for (const name of added) queues.set(name, openBoardQueue(parseQueueName(name), options));
  if (added.length > 0) options.onQueues([...queues.keys()].sort().flatMap((name) => queues.get(name) ?? []));
}

function openBoardQueue(name: QueueName, { connection, prefix, onError }: BullmqBoardOptions): BoardQueue {
  const queue = new Queue(name.pool, {
    connection: connection.client,
    prefix: bullmqPrefix(prefix, name.tenant),
    streams: { events: { maxLen: KEPT_BULLMQ_EVENTS } },
    skipVersionCheck: true,
  });
  queue.on('error', onError);
  return { name, queue };
}
