import { type JobState, Queue } from 'bullmq';
import type { RedisConnection } from '../coordination/redis/connection.ts';
import { startBullmqConsumer } from './bullmq-consumer.ts';
import {
  assertQueueName,
  type BullmqJobData,
  bullmqIdOf,
  bullmqPrefix,
  formatQueueName,
  KEPT_BULLMQ_EVENTS,
  parseQueueName,
  queueNamesKey,
  toBullmqJob,
} from './bullmq-layout.ts';
import type { ConsumeOptions, Consumer, JobQueue, QueueDepth, QueuedJob, QueueName } from './job-queue.ts';

export interface BullmqQueueOptions {
  /** Of role `client`; the queue opens others like it and disposes of those. */
  readonly connection: RedisConnection;
  /** The keys of a tenant begin with `prefix:{tenant}`. */
  readonly prefix: string;
  readonly logger?: { warn(facts: object, message: string): void };
  /** A consumer that does not renew its hold on a job for so long has lost it. */
  readonly lockMs?: number;
  /** How often lost jobs are looked for; at worst `lockMs + 2 · stalledCheckMs` pass until another consumer has the job. */
  readonly stalledCheckMs?: number;
  /** How long disposing waits for running handlers, and then for Redis. */
  readonly closeTimeoutMs?: number;
}

/** The queue of the cluster, on BullMQ. */
export function createBullmqQueue(options: BullmqQueueOptions): JobQueue {
  return new BullmqQueue({
    lockMs: 5_000,
    stalledCheckMs: 2_000,
    closeTimeoutMs: 2_000,
    ...options,
  });
}

/** A queue that goes on being used is noted again, so that its name outlives a flush of Redis. */
const NOTE_NAME_EVERY_MS = 10_000;
const WAITING_STATES: readonly (JobState | 'unknown')[] = ['waiting', 'prioritized', 'delayed', 'waiting-children'];

class BullmqQueue implements JobQueue {
  readonly #options: Required<Omit<BullmqQueueOptions, 'logger'>> & BullmqQueueOptions;
  readonly #queues = new Map<string, Queue<BullmqJobData>>();
  readonly #notedAtMs = new Map<string, number>();
  readonly #consumers = new Set<Consumer>();
  #consumerConnection: RedisConnection | undefined;

  constructor(options: Required<Omit<BullmqQueueOptions, 'logger'>> & BullmqQueueOptions) {
    this.#options = options;
  }

  async enqueue(job: QueuedJob): Promise<void> {
    const { name, data, options } = toBullmqJob(job);
    const queue = this.#queueOf(job);
    await Promise.all([queue.add(name, data, options), this.#noteName(job)]);
  }

  async remove(name: QueueName, jobId: string): Promise<'removed' | 'active' | 'absent'> {
    const queue = this.#queueOf(name);
    const id = bullmqIdOf(jobId);
    const state = await queue.getJobState(id);
    if (state === 'active') return 'active';
    if (!WAITING_STATES.includes(state)) return 'absent';
    // 0 when a consumer claimed it in between
    return (await queue.remove(id)) === 1 ? 'removed' : 'active';
  }

  async depth(name: QueueName): Promise<QueueDepth> {
    const counts = await this.#queueOf(name).getJobCounts(
      'waiting',
      'prioritized',
      'delayed',
      'active',
      'failed',
      'completed',
    );
    const { waiting = 0, prioritized = 0, delayed = 0, active = 0, failed = 0, completed = 0 } = counts;
    return { waiting: waiting + prioritized, delayed, active, failed, completed };
  }

  async names(): Promise<readonly QueueName[]> {
    const names = await this.#options.connection.client.smembers(queueNamesKey(this.#options.prefix));
    return names.sort().map(parseQueueName);
  }

  async consume(options: ConsumeOptions): Promise<Consumer> {
    assertQueueName(options);
    await this.#noteName(options);
    const { prefix, lockMs, stalledCheckMs, closeTimeoutMs } = this.#options;
    this.#consumerConnection ??= this.#options.connection.duplicate('consumer');
    const consumer = await startBullmqConsumer({
      ...options,
      connection: this.#consumerConnection,
      prefix,
      lockMs,
      stalledCheckMs,
      closeTimeoutMs,
      onError: (error) => {
        this.#warn(error);
        options.onError?.(error);
      },
    });
    this.#consumers.add(consumer);
    return consumer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#consumers].map((consumer) => consumer[Symbol.asyncDispose]()));
    await Promise.all([...this.#queues.values()].map((queue) => queue.close()));
    await this.#consumerConnection?.[Symbol.asyncDispose]();
  }

  #queueOf(name: QueueName): Queue<BullmqJobData> {
    // BullMQ would wait for the connection without bound
    if (!this.#options.connection.isReady) {
      throw new Error(`Cannot use the queue: Redis at ${this.#options.connection.address} is not connected`);
    }
    const key = formatQueueName(name);
    const known = this.#queues.get(key);
    if (known) return known;
    const queue = this.#openQueue(name);
    this.#queues.set(key, queue);
    return queue;
  }

  #openQueue(name: QueueName): Queue<BullmqJobData> {
    assertQueueName(name);
    const queue = new Queue<BullmqJobData>(name.pool, {
      connection: this.#options.connection.client,
      prefix: bullmqPrefix(this.#options.prefix, name.tenant),
      streams: { events: { maxLen: KEPT_BULLMQ_EVENTS } },
      // a version check that fails in an outage would leave this queue unusable for ever; check.ts has looked already
      skipVersionCheck: true,
    });
    queue.on('error', (error) => this.#warn(error));
    return queue;
  }

  async #noteName(name: QueueName): Promise<void> {
    const text = formatQueueName(name);
    const notedAtMs = this.#notedAtMs.get(text) ?? Number.NEGATIVE_INFINITY;
    if (performance.now() - notedAtMs < NOTE_NAME_EVERY_MS) return;
    await this.#options.connection.client.sadd(queueNamesKey(this.#options.prefix), text);
    this.#notedAtMs.set(text, performance.now());
  }

  #warn(error: Error): void {
    this.#options.logger?.warn({ err: error }, 'queue fault');
  }
}
