import { setTimeout as delay } from 'node:timers/promises';
import { DelayedError, type Job, UnrecoverableError, WaitingError, Worker } from 'bullmq';
import type { RedisConnection } from '../coordination/redis/connection.ts';
import {
  type BullmqJobData,
  bullmqIdOf,
  bullmqPrefix,
  CONSUMER_OPTIONS,
  KEEP_ALL,
  KEEP_COMPLETED,
  KEEP_FAILED,
  toQueuedJob,
} from './bullmq-layout.ts';
import { type ConsumeOptions, type Consumer, type Delivery, type Outcome, PAUSE_AFTER_THROW_MS } from './job-queue.ts';

export interface BullmqConsumerOptions extends ConsumeOptions {
  /** The consumer disposes of it. */
  readonly connection: RedisConnection;
  readonly prefix: string;
  readonly lockMs: number;
  readonly stalledCheckMs: number;
  readonly closeTimeoutMs: number;
  readonly onError: (error: Error) => void;
}

/** Starts claiming jobs; resolves when BullMQ's worker has its connections. */
export async function startBullmqConsumer(options: BullmqConsumerOptions): Promise<Consumer> {
  const consumer = new BullmqConsumer(options);
  try {
    await consumer.ready();
    return consumer;
  } catch (error) {
    await consumer[Symbol.asyncDispose]();
    throw error;
  }
}

/** An idle consumer asks Redis at least so often, in seconds: some moves of BullMQ wake nobody. */
const IDLE_POLL_SECONDS = 2;

/** Looking for completed jobs that are too many or too old costs Redis a fifth of a job: one in so many looks, or one in so long. */
const TRIM_EVERY = 50;
const TRIM_AFTER_MS = 1_000;

/** How long a job stays away from a consumer that lost it and has not stopped it yet. */
const STOPPING_MS = 500;

type Claim = { readonly job: Job<BullmqJobData>; readonly token: string };

/**
 * One BullMQ worker, in the terms of our contract. It claims a job, hands it to the handler with a signal, and settles the
 * outcome; meanwhile BullMQ renews the locks, and a lock that is lost or not renewed in time fires the signal.
 */
class BullmqConsumer implements Consumer {
  readonly #options: BullmqConsumerOptions;
  readonly #worker: Worker<BullmqJobData>;
  /** Until when each running job is surely ours, by the monotonic clock. */
  readonly #heldUntilMs = new Map<string, number>();
  readonly #holdCheck: NodeJS.Timeout;
  readonly #idleWaiters = new Set<() => void>();
  #blocking: { readonly status: string } | undefined;
  #claiming = true;
  #untrimmed = 0;
  #trimmedAtMs = Number.NEGATIVE_INFINITY;
  #closed: Promise<void> | undefined;

  constructor(options: BullmqConsumerOptions) {
    this.#options = options;
    this.#worker = this.#createWorker();
    this.#worker.on('error', options.onError);
    this.#worker.on('lockRenewalFailed', (jobIds) => this.#lose(jobIds));
    this.#worker.on('locksRenewed', ({ jobIds }) => this.#hold(jobIds));
    this.#worker.on('failed', (_job, reason) => reason instanceof Retry && reason.onCounted?.());
    this.#holdCheck = setInterval(() => this.#loseExpired(), options.lockMs / 4).unref();
  }

  get active(): number {
    return this.#heldUntilMs.size;
  }

  get fault(): string | undefined {
    const { connection } = this.#options;
    if (!connection.isReady || this.#blocking?.status !== 'ready')
      return 'the connection that waits for jobs is not ready';
    if (this.#claiming && (!this.#worker.isRunning() || this.#worker.isPaused()))
      return 'the loop that claims has ended';
    return undefined;
  }

  async ready(): Promise<void> {
    await this.#worker.waitUntilReady();
    this.#blocking = await this.#worker.getBackend().blockingClient;
  }

  async stopClaiming(): Promise<void> {
    this.#claiming = false;
    await this.#worker.pause(true);
  }

  async idle(): Promise<void> {
    while (this.active > 0) await new Promise<void>((resolve) => this.#idleWaiters.add(resolve));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  #createWorker(): Worker<BullmqJobData> {
    const { pool, tenant, connection, slots, consumer, lockMs, stalledCheckMs } = this.#options;
    // BullMQ passes the signal only to a function that declares three parameters
    return new Worker<BullmqJobData>(pool, (job, token, signal) => this.#process(job, token ?? '', signal), {
      connection: connection.client,
      prefix: bullmqPrefix(this.#options.prefix, tenant),
      concurrency: slots,
      lockDuration: lockMs,
      stalledInterval: stalledCheckMs,
      // how often a job may lose its consumer is decided by whoever reads `lostAttempts`
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      drainDelay: IDLE_POLL_SECONDS,
      runRetryDelay: 1_000,
      removeOnComplete: KEEP_COMPLETED,
      removeOnFail: KEEP_FAILED,
      settings: { backoffStrategy: (_attempts, _type, error) => retryDelayMs(error) },
      ...(consumer === undefined ? {} : { name: consumer }),
    });
  }

  async #process(job: Job<BullmqJobData>, token: string, signal?: AbortSignal): Promise<unknown> {
    job.opts = { ...job.opts, ...CONSUMER_OPTIONS };
    const claim = { job, token };
    const jobId = bullmqIdOf(job.data.document.job_id);
    const heldUntilMs = this.#heldSince(job.processedOn);
    const postponement = this.#whyNotNow(jobId, heldUntilMs);
    if (postponement) return this.#settle(claim, postponement);
    this.#heldUntilMs.set(jobId, heldUntilMs);
    const isHeld = () => performance.now() < (this.#heldUntilMs.get(jobId) ?? 0);
    try {
      const outcome = await this.#options.handle(toDelivery(job, isHeld), signal ?? new AbortController().signal);
      return await this.#settle(claim, outcome);
    } finally {
      this.#heldUntilMs.delete(jobId);
      if (this.active === 0) this.#wakeIdleWaiters();
    }
  }

  #whyNotNow(jobId: string, heldUntilMs: number): Outcome | undefined {
    // a fetch that was under way when claiming stopped: as if it had not happened
    if (!this.#claiming) return { kind: 'postponed', delayMs: 0, reason: 'the consumer has stopped claiming' };
    // this process was stopped, or Redis was, between the claim and now
    if (heldUntilMs < performance.now()) return { kind: 'postponed', delayMs: 0, reason: 'the claim came too late' };
    // our own lost attempt is still stopping, and BullMQ tells the locks of one worker apart by job only
    if (!this.#heldUntilMs.has(jobId)) return undefined;
    return { kind: 'postponed', delayMs: STOPPING_MS, reason: 'a lost attempt is still stopping here' };
  }

  /** Returning completes the job, throwing fails it, and BullMQ's own errors say that it was moved already. */
  async #settle(claim: Claim, outcome: Outcome): Promise<unknown> {
    switch (outcome.kind) {
      case 'completed':
        if (!this.#isTrimDue()) claim.job.opts.removeOnComplete = KEEP_ALL;
        return outcome.summary ?? null;
      case 'failed':
        throw outcome.retry ? new Retry(outcome) : new UnrecoverableError(outcome.reason);
      case 'postponed':
        await this.#postpone(claim, outcome.delayMs);
        throw new DelayedError();
      case 'released':
        return this.#release(claim);
    }
  }

  #isTrimDue(): boolean {
    this.#untrimmed += 1;
    const nowMs = performance.now();
    if (this.#untrimmed < TRIM_EVERY && nowMs - this.#trimmedAtMs < TRIM_AFTER_MS) return false;
    this.#untrimmed = 0;
    this.#trimmedAtMs = nowMs;
    return true;
  }

  /** The count and the move are one step under the lock, so that a late consumer cannot change the number of an attempt. */
  async #postpone({ job, token }: Claim, delayMs: number): Promise<void> {
    const data: BullmqJobData = { ...job.data, postponed: (job.data.postponed ?? 0) + 1 };
    await this.#worker.getBackend().moveToDelayed(bullmqIdOf(job.data.document.job_id), Date.now(), delayMs, token, {
      skipAttempt: true,
      fieldsToUpdate: { data: JSON.stringify(data) },
    });
  }

  /**
   * In front of the jobs of the same priority if there are any. If none waits, workers may sleep, and BullMQ's moveToWait
   * does not wake them: then by way of the delayed jobs, which does.
   */
  async #release({ job, token }: Claim): Promise<never> {
    const backend = this.#worker.getBackend();
    const [waiting = 0] = await backend.getCounts(['prioritized']);
    if (waiting === 0) {
      await job.moveToDelayed(Date.now(), token);
      throw new DelayedError();
    }
    await job.moveToWait(token);
    throw new WaitingError();
  }

  #hold(jobIds: readonly string[]): void {
    const untilMs = this.#heldSince();
    for (const jobId of jobIds) if (this.#heldUntilMs.has(jobId)) this.#heldUntilMs.set(jobId, untilMs);
  }

  /** Until when a lock that was asked for at that time surely lasts: from then on, not from the answer. */
  #heldSince(askedAtMs = Date.now()): number {
    return performance.now() + this.#options.lockMs - (Date.now() - askedAtMs);
  }

  /** Without an answer from Redis nobody says that the lock is gone: the clock does. */
  #loseExpired(): void {
    const nowMs = performance.now();
    this.#lose([...this.#heldUntilMs].filter(([, untilMs]) => untilMs < nowMs).map(([jobId]) => jobId));
  }

  #lose(jobIds: readonly string[]): void {
    for (const jobId of jobIds) this.#worker.cancelJob(jobId, 'the lock of the job is lost');
  }

  #wakeIdleWaiters(): void {
    for (const wake of this.#idleWaiters) wake();
    this.#idleWaiters.clear();
  }

  /** In order: no new jobs; a bounded wait for those that run; BullMQ's own closing, which would wait without bound. */
  async #close(): Promise<void> {
    const { closeTimeoutMs, connection, onError } = this.#options;
    await this.stopClaiming();
    this.#worker.cancelAllJobs('the consumer is closing');
    await withinMs(closeTimeoutMs, this.idle());
    clearInterval(this.#holdCheck);
    const isOrderly = this.active === 0 && connection.isReady;
    await withinMs(closeTimeoutMs, this.#worker.close(!isOrderly).catch(onError));
    await connection[Symbol.asyncDispose]();
  }
}

/** Carries the delay that the handler decided on past BullMQ, which asks for it by the error. */
class Retry extends Error {
  readonly delayMs: number;
  readonly onCounted: (() => void) | undefined;

  constructor({ reason, delayMs, onCounted }: Extract<Outcome, { readonly retry: true }>) {
    super(reason);
    this.delayMs = delayMs;
    this.onCounted = onCounted;
  }
}

function retryDelayMs(error: unknown): number {
  // without a delay BullMQ moves the job another way, which wakes no worker
  return error instanceof Retry ? Math.max(1, error.delayMs) : PAUSE_AFTER_THROW_MS;
}

function toDelivery(job: Job<BullmqJobData>, isHeld: () => boolean): Delivery {
  const queuedJob = toQueuedJob(job.data);
  return {
    job: queuedJob,
    attempt: (queuedJob.attemptsBefore ?? 0) + job.attemptsStarted - (job.data.postponed ?? 0),
    failedAttempts: (queuedJob.failedBefore ?? 0) + job.attemptsMade,
    lostAttempts: (queuedJob.lostBefore ?? 0) + job.stalledCounter,
    isHeld,
    reportProgress: (progress) => job.updateProgress(progress),
  };
}

async function withinMs(timeoutMs: number, work: Promise<void>): Promise<void> {
  const timer = new AbortController();
  await Promise.race([work, delay(timeoutMs, undefined, { signal: timer.signal }).catch(() => {})]);
  timer.abort();
}
