import type { JobDocument } from '../job/document.ts';

/** Which queue: a tenant's, for one pool of workers. */
export interface QueueName {
  readonly tenant: string;
  readonly pool: string;
}

export interface QueuedJob extends QueueName {
  /** Validated; `document.execution.priority` is honoured by the queue, all else by its consumers. */
  readonly document: JobDocument;
  /** When the job was accepted, milliseconds since the epoch. */
  readonly acceptedAtMs: number;
  /** Attempts it had before it is enqueued again, after the queue lost it or gave it up: their numbers must not come twice. */
  readonly attemptsBefore?: number;
  /** How many of those failed and were retried, and how many lost their consumer: deliveries count on from there. */
  readonly failedBefore?: number;
  readonly lostBefore?: number;
}

export interface QueueDepth {
  readonly waiting: number;
  readonly delayed: number;
  readonly active: number;
  readonly failed: number;
  readonly completed: number;
}

/** Where a job is in the queue. */
export type JobPresence =
  | { readonly state: 'absent' | 'waiting' | 'delayed' | 'waiting-children' | 'active' }
  /** Something is kept under its id, but in no list: nobody will ever claim it. */
  | { readonly state: 'stray' }
  | {
      readonly state: 'completed' | 'failed';
      /** Milliseconds since the epoch. */
      readonly finishedAtMs: number;
      /** That of the completed outcome. */
      readonly summary?: unknown;
    };

/** One delivery of a job to a consumer: the start of an attempt. */
export interface Delivery {
  readonly job: QueuedJob;
  /** From 1; unique among the deliveries of a job, so it serves as the fencing token. Postponed deliveries are not counted. */
  readonly attempt: number;
  /** Attempts that failed and were retried by decision (these count towards `max_attempts`), before the queue had it included. */
  readonly failedAttempts: number;
  /** Attempts whose consumer vanished (these do not), before the queue had it included. */
  readonly lostAttempts: number;
  /** Whether the job is surely this consumer's at the moment. A process that was stopped for a while has lost jobs of which no signal told it yet. */
  isHeld(): boolean;
  /** Shows how far the attempt is to those who look at the queue itself; history is told by events. */
  reportProgress(progress: object): Promise<void>;
}

/** What the consumer made of a delivery. */
export type Outcome =
  /** Ends the job. `summary` is small: results belong in history. */
  | { readonly kind: 'completed'; readonly summary?: unknown }
  /** Ends the job. */
  | { readonly kind: 'failed'; readonly retry: false; readonly reason: string }
  /** Ends the attempt; another one follows after the delay. How many may is the consumer's decision: the queue makes none. */
  | {
      readonly kind: 'failed';
      readonly retry: true;
      readonly delayMs: number;
      readonly reason: string;
      /** Called once the queue has counted the failure. It counts a lost attempt instead when the job ceased to be the consumer's before. */
      readonly onCounted?: () => void;
    }
  /** This consumer must not run it: back to the queue, not counted as an attempt. */
  | { readonly kind: 'postponed'; readonly delayMs: number; readonly reason: string }
  /** The consumer is going away: back to the queue at once. */
  | { readonly kind: 'released' };

/**
 * The signal fires when the queue no longer regards this consumer as the owner: the attempt must stop and publish nothing. A handler
 * that throws has failed the attempt, and another one follows after `PAUSE_AFTER_THROW_MS`.
 */
export type DeliveryHandler = (delivery: Delivery, signal: AbortSignal) => Promise<Outcome>;

/** A fault of the handler decides nothing, so the job is not lost over it. */
export const PAUSE_AFTER_THROW_MS = 1_000;

export interface ConsumeOptions extends QueueName {
  /** Who consumes, for those who look at the queue itself. */
  readonly consumer?: string;
  readonly slots: number;
  readonly handle: DeliveryHandler;
  /** Told of faults that no delivery owns: a lost connection, a failed lock renewal. */
  readonly onError?: (error: Error) => void;
}

/** Disposing stops claiming and fires the signal of what still runs; what does not end soon is left to another consumer. */
export interface Consumer extends AsyncDisposable {
  /** Deliveries being handled now. */
  readonly active: number;
  /** Why it cannot claim anything at present, as far as it knows. */
  readonly fault: string | undefined;
  /** Stops claiming; resolves when no further delivery will start. Handlers already running go on. */
  stopClaiming(): Promise<void>;
  /** Resolves when nothing is running any more. */
  idle(): Promise<void>;
}

/**
 * Carries accepted jobs to workers: more urgent first, then in order of arrival; delivered again when a consumer vanishes.
 * Delivery is at least once: fencing by `attempt` makes the outcome exactly once.
 */
export interface JobQueue extends AsyncDisposable {
  /** Adds a job under its own id; adding it again changes nothing. */
  enqueue(job: QueuedJob): Promise<void>;
  /** Adds many, in their order as far as their priorities are the same; as if each were added alone. */
  enqueueAll(jobs: readonly QueuedJob[]): Promise<void>;
  /** Takes a job out that no consumer has: `active` while one has it, or has vanished and may yet come back. */
  remove(name: QueueName, jobId: string): Promise<'removed' | 'active' | 'absent'>;
  /** Drops what is kept of a job that has ended or strayed, so that it can be added anew. `false` when there is none. */
  forget(name: QueueName, jobId: string): Promise<boolean>;
  presence(name: QueueName, jobIds: readonly string[]): Promise<ReadonlyMap<string, JobPresence>>;
  /** Ids of jobs that wait or are delayed, from some place on; while the queue moves, a page may miss some. */
  waitingIds(name: QueueName, page: { readonly from: number; readonly limit: number }): Promise<readonly string[]>;
  /** Ids of jobs that a consumer has, or had when it vanished. */
  activeIds(name: QueueName): Promise<readonly string[]>;
  /** A job as it was added. */
  find(name: QueueName, jobId: string): Promise<QueuedJob | undefined>;
  depth(name: QueueName): Promise<QueueDepth>;
  /** Ids of jobs that wait for children of which none will ever end; of the first `limit` that wait so. */
  stuckParents(name: QueueName, limit: number): Promise<readonly string[]>;
  /** Whether somebody holds the queue back: paused, or bounded in how much may run or start. */
  isHeld(name: QueueName): Promise<boolean>;
  /** Every queue that ever held a job or a consumer. */
  names(): Promise<readonly QueueName[]>;
  consume(options: ConsumeOptions): Promise<Consumer>;
}
