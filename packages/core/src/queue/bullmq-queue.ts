import { type JobState, Queue } from 'bullmq';
import type { RedisConnection } from '../coordination/redis/connection.ts';
import { BullmqAdds } from './bullmq-adds.ts';
import { startBullmqConsumer } from './bullmq-consumer.ts';
import {
  assertQueueName,
  type BullmqJobData,
  bullmqIdOf,
  bullmqPrefix,
  formatQueueName,
  jobIdOf,
  KEPT_BULLMQ_EVENTS,
  parseQueueName,
  queueNamesKey,
  toBullmqJob,
  toQueuedJob,
} from './bullmq-layout.ts';
import type { ConsumeOptions, Consumer, JobPresence, JobQueue, QueueDepth, QueuedJob, QueueName } from './job-queue.ts';

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
    lockMs: 2_500,
    stalledCheckMs: 1_000,
    closeTimeoutMs: 2_000,
    ...options,
  });
}

/** A queue that goes on being used is noted again, so that its name outlives a flush of Redis. */
const NOTE_NAME_EVERY_MS = 2_000;
type LivePresence = Exclude<JobPresence['state'], 'completed' | 'failed'>;

/** Of a parent, so many children are looked at. */
const MAX_CHILDREN = 1_000;
const PRESENCE_IN: Readonly<Record<Exclude<JobState, 'completed' | 'failed'>, LivePresence>> = {
  waiting: 'waiting',
  prioritized: 'waiting',
  delayed: 'delayed',
  active: 'active',
  'waiting-children': 'waiting-children',
};
const FACTS_OF_END = ['timestamp', 'finishedOn', 'returnvalue'] as const;
const REMOVABLE_STATES: readonly (JobState | 'unknown')[] = [
  'waiting',
  'prioritized',
  'delayed',
  'waiting-children',
  'active',
];

interface Lane {
  readonly queue: Queue<BullmqJobData>;
  readonly adds: BullmqAdds;
}

class BullmqQueue implements JobQueue {
  readonly #options: Required<Omit<BullmqQueueOptions, 'logger'>> & BullmqQueueOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #notedAtMs = new Map<string, number>();
  readonly #consumers = new Set<Consumer>();

  constructor(options: Required<Omit<BullmqQueueOptions, 'logger'>> & BullmqQueueOptions) {
    this.#options = options;
  }

  async enqueue(job: QueuedJob): Promise<void> {
    const name = formatQueueName(job);
    const adding = this.#laneOf(job, name).adds.add(toBullmqJob(job));
    await (this.#isNoted(name) ? adding : Promise.all([adding, this.#writeName(name)]));
  }

  async enqueueAll(jobs: readonly QueuedJob[]): Promise<void> {
    for (const [name, group] of Map.groupBy(jobs, formatQueueName)) {
      const { adds } = this.#laneOf(parseQueueName(name), name);
      await this.#writeName(name);
      await adds.addAll(group.map(toBullmqJob));
    }
  }

  async remove(name: QueueName, jobId: string): Promise<'removed' | 'active' | 'absent'> {
    const queue = this.#queueOf(name);
    const id = bullmqIdOf(jobId);
    const state = await queue.getJobState(id);
    if (!REMOVABLE_STATES.includes(state)) return 'absent';
    // 0 when a consumer has it; one that vanished has it until its lock runs out
    return (await queue.remove(id)) === 1 ? 'removed' : 'active';
  }

  async forget(name: QueueName, jobId: string): Promise<boolean> {
    const { state } = await this.#presenceOf(name, jobId);
    if (state !== 'completed' && state !== 'failed' && state !== 'stray') return false;
    return (await this.#queueOf(name).remove(bullmqIdOf(jobId))) === 1;
  }

  async presence(name: QueueName, jobIds: readonly string[]): Promise<ReadonlyMap<string, JobPresence>> {
    const entries = jobIds.map(async (jobId) => [jobId, await this.#presenceOf(name, jobId)] as const);
    return new Map(await Promise.all(entries));
  }

  async waitingIds(
    name: QueueName,
    { from, limit }: { readonly from: number; readonly limit: number },
  ): Promise<readonly string[]> {
    const ids = await this.#queueOf(name).getRanges(['prioritized', 'wait', 'delayed'], from, from + limit - 1, true);
    return ids.map(jobIdOf);
  }

  async activeIds(name: QueueName): Promise<readonly string[]> {
    return (await this.#queueOf(name).getRanges(['active'])).map(jobIdOf);
  }

  async find(name: QueueName, jobId: string): Promise<QueuedJob | undefined> {
    const job = await this.#queueOf(name).getJob(bullmqIdOf(jobId));
    return job && toQueuedJob(job.data);
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

  async stuckParents(name: QueueName, limit: number): Promise<readonly string[]> {
    const ids = await this.#queueOf(name).getRanges(['waiting-children'], 0, limit - 1);
    const stuck = await Promise.all(ids.map(async (id) => ((await this.#hasLiveChild(name, id)) ? [] : [jobIdOf(id)])));
    return stuck.flat();
  }

  /** A child that has ended, but of which its parent was not told, never will be. */
  async #hasLiveChild(name: QueueName, id: string): Promise<boolean> {
    const backend = this.#queueOf(name).getBackend();
    const { unprocessed = [] } = await backend.getDependencies(id, { unprocessed: { count: MAX_CHILDREN } });
    const { client } = this.#options.connection;
    const facts = await Promise.all(unprocessed.map((key) => client.hmget(key, 'timestamp', 'finishedOn')));
    return facts.some(([timestamp, finishedOn]) => timestamp && !finishedOn);
  }

  async isHeld(name: QueueName): Promise<boolean> {
    const queue = this.#queueOf(name);
    const [isPaused, isMaxed, limitedMs] = await Promise.all([
      queue.isPaused(),
      queue.isMaxed(),
      queue.getRateLimitTtl(),
    ]);
    return isPaused || isMaxed || limitedMs > 0;
  }

  async names(): Promise<readonly QueueName[]> {
    const names = await this.#options.connection.client.smembers(queueNamesKey(this.#options.prefix));
    return names.sort().map(parseQueueName);
  }

  async consume(options: ConsumeOptions): Promise<Consumer> {
    assertQueueName(options);
    const name = formatQueueName(options);
    if (!this.#isNoted(name)) await this.#writeName(name);
    const { prefix, lockMs, stalledCheckMs, closeTimeoutMs } = this.#options;
    const consumer = await startBullmqConsumer({
      ...options,
      // one of its own, so that a consumer that takes the place of another has nothing of the old one
      connection: this.#options.connection.duplicate('consumer'),
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
    await Promise.all([...this.#lanes.values()].map(({ queue }) => queue.close()));
  }

  async #presenceOf(name: QueueName, jobId: string): Promise<JobPresence> {
    const queue = this.#queueOf(name);
    const state = await queue.getJobState(bullmqIdOf(jobId));
    const isEnded = state === 'completed' || state === 'failed';
    if (!isEnded && state !== 'unknown') return { state: PRESENCE_IN[state] };
    const { client } = this.#options.connection;
    const [timestamp, finishedOn, returned] = await client.hmget(queue.toKey(bullmqIdOf(jobId)), ...FACTS_OF_END);
    if (!timestamp) return { state: 'absent' };
    if (!isEnded) return { state: 'stray' };
    const finishedAtMs = Number(finishedOn);
    return { state, finishedAtMs, ...(state === 'completed' && { summary: JSON.parse(returned ?? 'null') }) };
  }

  #queueOf(name: QueueName): Queue<BullmqJobData> {
    return this.#laneOf(name).queue;
  }

  #laneOf(name: QueueName, key = formatQueueName(name)): Lane {
    // BullMQ would wait for the connection without bound
    if (!this.#options.connection.isReady) {
      throw new Error(`Cannot use the queue: Redis at ${this.#options.connection.address} is not connected`);
    }
    const known = this.#lanes.get(key);
    if (known) return known;
    const queue = this.#openQueue(name);
    const lane = { queue, adds: new BullmqAdds(queue) };
    this.#lanes.set(key, lane);
    return lane;
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

  #isNoted(text: string): boolean {
    const notedAtMs = this.#notedAtMs.get(text) ?? Number.NEGATIVE_INFINITY;
    return performance.now() - notedAtMs < NOTE_NAME_EVERY_MS;
  }

  async #writeName(text: string): Promise<void> {
    await this.#options.connection.client.sadd(queueNamesKey(this.#options.prefix), text);
    this.#notedAtMs.set(text, performance.now());
  }

  #warn(error: Error): void {
    this.#options.logger?.warn({ err: error }, 'queue fault');
  }
}
