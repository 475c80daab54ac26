import { setTimeout as delay } from 'node:timers/promises';
import {
  type ConsumeOptions,
  type Consumer,
  type Delivery,
  type JobPresence,
  type JobQueue,
  type Outcome,
  PAUSE_AFTER_THROW_MS,
  type QueueDepth,
  type QueuedJob,
  type QueueName,
} from './job-queue.ts';

export interface MemoryQueueOptions {
  /** How long a job stays with a consumer that vanished. */
  readonly lockMs?: number;
  /** How long disposing a consumer waits for its running handlers. */
  readonly closeTimeoutMs?: number;
}

export interface MemoryConsumer extends Consumer {
  /** Ends the consumer as a power cut would: it says nothing, and its jobs wait until their locks run out. */
  vanish(): void;
}

export interface MemoryQueue extends JobQueue {
  consume(options: ConsumeOptions): Promise<MemoryConsumer>;
}

/** A queue inside one process, with the behaviour of the cluster's. */
export function createMemoryQueue(options: MemoryQueueOptions = {}): MemoryQueue {
  return new InMemoryQueue({ lockMs: 2_500, closeTimeoutMs: 2_000, ...options });
}

const KEPT_FINISHED_JOBS = 1_000;

type State = 'waiting' | 'delayed' | 'active' | 'completed' | 'failed';

interface Entry {
  readonly job: QueuedJob;
  state: State;
  /** Waiting jobs go in order of urgency (least first), then of turn. */
  urgency: number;
  turn: number;
  started: number;
  postponed: number;
  failedAttempts: number;
  lostAttempts: number;
  /** The claim that may settle it, if it is active. */
  claim: Claim | undefined;
  finishedAtMs: number;
  summary: unknown;
}

interface Claim {
  readonly entry: Entry;
  readonly abort: AbortController;
}

class InMemoryQueue implements MemoryQueue {
  readonly #options: Required<MemoryQueueOptions>;
  readonly #pools = new Map<string, Pool>();

  constructor(options: Required<MemoryQueueOptions>) {
    this.#options = options;
  }

  async enqueue(job: QueuedJob): Promise<void> {
    this.#poolOf(job).add(job);
  }

  async enqueueAll(jobs: readonly QueuedJob[]): Promise<void> {
    for (const job of jobs) this.#poolOf(job).add(job);
  }

  async remove(name: QueueName, jobId: string): Promise<'removed' | 'active' | 'absent'> {
    return this.#poolOf(name).remove(jobId);
  }

  async forget(name: QueueName, jobId: string): Promise<boolean> {
    return this.#poolOf(name).forget(jobId);
  }

  async presence(name: QueueName, jobIds: readonly string[]): Promise<ReadonlyMap<string, JobPresence>> {
    const pool = this.#poolOf(name);
    return new Map(jobIds.map((jobId) => [jobId, pool.presence(jobId)]));
  }

  async waitingIds(
    name: QueueName,
    { from, limit }: { readonly from: number; readonly limit: number },
  ): Promise<readonly string[]> {
    return this.#poolOf(name)
      .waitingIds()
      .slice(from, from + limit);
  }

  async activeIds(name: QueueName): Promise<readonly string[]> {
    return this.#poolOf(name).activeIds();
  }

  async find(name: QueueName, jobId: string): Promise<QueuedJob | undefined> {
    return this.#poolOf(name).find(jobId);
  }

  async depth(name: QueueName): Promise<QueueDepth> {
    return this.#poolOf(name).depth();
  }

  async stuckParents(): Promise<readonly string[]> {
    return [];
  }

  async isHeld(): Promise<boolean> {
    return false;
  }

  async names(): Promise<readonly QueueName[]> {
    return [...this.#pools.values()].map((pool) => pool.name);
  }

  async consume(options: ConsumeOptions): Promise<MemoryConsumer> {
    return this.#poolOf(options).consume(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.close()));
  }

  #poolOf({ tenant, pool }: QueueName): Pool {
    const key = JSON.stringify([tenant, pool]);
    const known = this.#pools.get(key) ?? new Pool({ tenant, pool }, this.#options);
    this.#pools.set(key, known);
    return known;
  }
}

/** The jobs and consumers of one queue. */
class Pool {
  readonly name: QueueName;
  readonly options: Required<MemoryQueueOptions>;
  readonly #entries = new Map<string, Entry>();
  readonly #waiting: Entry[] = [];
  readonly #finished: string[] = [];
  readonly #consumers = new Set<PoolConsumer>();
  #turn = 0;

  constructor(name: QueueName, options: Required<MemoryQueueOptions>) {
    this.name = name;
    this.options = options;
  }

  add(job: QueuedJob): void {
    if (this.#entries.has(job.document.job_id)) return;
    const entry = newEntry(job);
    this.#entries.set(job.document.job_id, entry);
    this.#wait(entry);
  }

  remove(jobId: string): 'removed' | 'active' | 'absent' {
    const entry = this.#entries.get(jobId);
    if (entry?.state === 'active') return 'active';
    if (entry?.state !== 'waiting' && entry?.state !== 'delayed') return 'absent';
    if (entry.state === 'waiting') this.#waiting.splice(this.#waiting.indexOf(entry), 1);
    this.#entries.delete(jobId);
    return 'removed';
  }

  forget(jobId: string): boolean {
    const { state } = this.presence(jobId);
    if (state !== 'completed' && state !== 'failed') return false;
    this.#finished.splice(this.#finished.indexOf(jobId), 1);
    return this.#entries.delete(jobId);
  }

  presence(jobId: string): JobPresence {
    const entry = this.#entries.get(jobId);
    if (entry === undefined) return { state: 'absent' };
    const { state, finishedAtMs, summary } = entry;
    if (state === 'completed') return { state, finishedAtMs, summary };
    return state === 'failed' ? { state, finishedAtMs } : { state };
  }

  waitingIds(): readonly string[] {
    return this.#idsIn('waiting', 'delayed');
  }

  activeIds(): readonly string[] {
    return this.#idsIn('active');
  }

  #idsIn(...states: readonly Entry['state'][]): readonly string[] {
    return [...this.#entries.values()]
      .filter(({ state }) => states.includes(state))
      .map(({ job }) => job.document.job_id);
  }

  find(jobId: string): QueuedJob | undefined {
    return this.#entries.get(jobId)?.job;
  }

  depth(): QueueDepth {
    const depth = { waiting: 0, delayed: 0, active: 0, failed: 0, completed: 0 };
    for (const { state } of this.#entries.values()) depth[state] += 1;
    return depth;
  }

  consume(options: ConsumeOptions): MemoryConsumer {
    const consumer = new PoolConsumer(this, options);
    this.#consumers.add(consumer);
    this.dispatch();
    return consumer;
  }

  leave(consumer: PoolConsumer): void {
    this.#consumers.delete(consumer);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#consumers].map((consumer) => consumer[Symbol.asyncDispose]()));
  }

  /** Hands waiting jobs to consumers with free slots, in turn. */
  dispatch(): void {
    for (const consumer of this.#consumers) {
      while (consumer.hasFreeSlot) {
        const entry = this.#waiting.shift();
        if (entry === undefined) return;
        consumer.take(this.#claim(entry));
      }
    }
  }

  settle({ entry, abort }: Claim, outcome: Outcome): void {
    // the job was taken from this claim: what it says comes too late
    if (entry.claim?.abort !== abort) return;
    entry.claim = undefined;
    if (outcome.kind === 'completed') this.#complete(entry, outcome.summary ?? null);
    else if (outcome.kind === 'failed') this.#fail(entry, outcome);
    else if (outcome.kind === 'released') this.#waitInFront(entry);
    else this.#postpone(entry, outcome.delayMs);
  }

  /** The consumer said nothing for as long as a lock lasts. */
  lose({ entry, abort }: Claim): void {
    if (entry.claim?.abort !== abort) return;
    entry.claim = undefined;
    entry.lostAttempts += 1;
    entry.urgency = 0;
    abort.abort(new Error('the lock of the job is lost'));
    this.#wait(entry);
  }

  #claim(entry: Entry): Claim {
    const claim = { entry, abort: new AbortController() };
    entry.state = 'active';
    entry.started += 1;
    entry.claim = claim;
    return claim;
  }

  #complete(entry: Entry, summary: unknown): void {
    entry.summary = summary;
    this.#finish(entry, 'completed');
  }

  #fail(entry: Entry, outcome: Extract<Outcome, { readonly kind: 'failed' }>): void {
    entry.failedAttempts += 1;
    if (outcome.retry) {
      this.#waitLater(entry, outcome.delayMs);
      outcome.onCounted?.();
    } else {
      this.#finish(entry, 'failed');
    }
  }

  #postpone(entry: Entry, delayMs: number): void {
    entry.postponed += 1;
    this.#waitLater(entry, delayMs);
  }

  #waitLater(entry: Entry, delayMs: number): void {
    entry.state = 'delayed';
    const wake = () => {
      if (this.#entries.get(entry.job.document.job_id) === entry) this.#wait(entry);
    };
    setTimeout(wake, delayMs).unref();
  }

  #wait(entry: Entry): void {
    this.#turn += 1;
    this.#queueUp(entry, this.#turn);
  }

  #waitInFront(entry: Entry): void {
    this.#turn += 1;
    this.#queueUp(entry, -this.#turn);
  }

  #queueUp(entry: Entry, turn: number): void {
    entry.state = 'waiting';
    entry.turn = turn;
    const later = this.#waiting.findIndex((other) => isBefore(entry, other));
    this.#waiting.splice(later === -1 ? this.#waiting.length : later, 0, entry);
    this.dispatch();
  }

  #finish(entry: Entry, state: 'completed' | 'failed'): void {
    entry.state = state;
    entry.finishedAtMs = Date.now();
    this.#finished.push(entry.job.document.job_id);
    const oldest = this.#finished.length > KEPT_FINISHED_JOBS ? this.#finished.shift() : undefined;
    if (oldest !== undefined) this.#entries.delete(oldest);
  }
}

class PoolConsumer implements MemoryConsumer {
  readonly #pool: Pool;
  readonly #options: ConsumeOptions;
  readonly #running = new Map<Claim, Promise<void>>();
  #claiming = true;

  constructor(pool: Pool, options: ConsumeOptions) {
    this.#pool = pool;
    this.#options = options;
  }

  get active(): number {
    return this.#running.size;
  }

  get fault(): undefined {
    return undefined;
  }

  get hasFreeSlot(): boolean {
    return this.#claiming && this.active < this.#options.slots;
  }

  take(claim: Claim): void {
    this.#running.set(claim, this.#run(claim));
  }

  async stopClaiming(): Promise<void> {
    this.#claiming = false;
  }

  async idle(): Promise<void> {
    while (this.active > 0) await Promise.all(this.#running.values());
  }

  vanish(): void {
    this.#claiming = false;
    this.#pool.leave(this);
    for (const claim of this.#running.keys())
      setTimeout(() => this.#pool.lose(claim), this.#pool.options.lockMs).unref();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopClaiming();
    for (const { abort } of this.#running.keys()) abort.abort(new Error('the consumer is closing'));
    await Promise.race([this.idle(), delay(this.#pool.options.closeTimeoutMs, undefined, { ref: false })]);
    this.vanish();
  }

  async #run(claim: Claim): Promise<void> {
    // the handler starts after `take` has noted it as running
    await Promise.resolve();
    const outcome = await this.#handle(claim);
    this.#running.delete(claim);
    this.#pool.settle(claim, outcome);
    this.#pool.dispatch();
  }

  async #handle({ entry, abort }: Claim): Promise<Outcome> {
    try {
      return await this.#options.handle(toDelivery(entry, abort), abort.signal);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { kind: 'failed', retry: true, delayMs: PAUSE_AFTER_THROW_MS, reason };
    }
  }
}

function newEntry(job: QueuedJob): Entry {
  const counters = {
    started: 0,
    postponed: 0,
    failedAttempts: job.failedBefore ?? 0,
    lostAttempts: job.lostBefore ?? 0,
  };
  return {
    job,
    state: 'waiting',
    urgency: 11 - (job.document.execution?.priority ?? 5),
    turn: 0,
    ...counters,
    claim: undefined,
    finishedAtMs: 0,
    summary: null,
  };
}

function isBefore(entry: Entry, other: Entry): boolean {
  return entry.urgency < other.urgency || (entry.urgency === other.urgency && entry.turn < other.turn);
}

function toDelivery(entry: Entry, abort: AbortController): Delivery {
  const { job, started, postponed, failedAttempts, lostAttempts } = entry;
  const isHeld = () => entry.claim?.abort === abort;
  // nobody looks into this queue from outside
  const reportProgress = () => Promise.resolve();
  const attempt = (job.attemptsBefore ?? 0) + started - postponed;
  return { job, attempt, failedAttempts, lostAttempts, isHeld, reportProgress };
}
