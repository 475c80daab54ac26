import type { JobsOptions, KeepJobs } from 'bullmq';
import { type Execution, executionSchema, type JobDocument } from '../job/document.ts';
import type { QueuedJob, QueueName } from './job-queue.ts';

// How our queues and jobs look inside BullMQ, and so in Bull Board: prefix = tenant, queue = pool, job name = operation.

/** What BullMQ carries for us: a job without what goes without saying, which would be held for each. */
export interface BullmqJobData extends Omit<QueuedJob, 'document'> {
  readonly document: ShortDocument;
  /** Deliveries that no consumer took up; they do not count as attempts. */
  readonly postponed?: number;
}

type ShortDocument = Omit<JobDocument, 'version' | 'kind' | 'execution'> & {
  readonly version?: string;
  readonly kind?: string;
  readonly execution?: Partial<Execution>;
};

/** The data and options of a job for BullMQ's `add`. */
export interface BullmqJob {
  readonly name: string;
  readonly data: BullmqJobData;
  readonly options: JobsOptions;
}

/** Finished jobs stay for Bull Board only: results are in history. Ages in seconds. */
export const KEEP_COMPLETED: KeepJobs = { count: 1_000, age: 24 * 3600 };
/** What a job says that leaves it to another to remove those beyond. */
export const KEEP_ALL: KeepJobs = { count: -1 };
export const KEEP_FAILED: KeepJobs = { count: 1_000, age: 7 * 24 * 3600 };
/** Nobody reads BullMQ's own event streams: our events have theirs. */
export const KEPT_BULLMQ_EVENTS = 100;

/** The name under which the consumer tells BullMQ how long a retry waits. */
export const RETRY_BACKOFF = 'guestkit';
/**
 * With what the consumer overlays the options of each job, which Redis then need not hold. It decides whether another attempt follows:
 * BullMQ must not end a job for having had too many.
 */
export const CONSUMER_OPTIONS: JobsOptions = {
  attempts: Number.MAX_SAFE_INTEGER,
  backoff: { type: RETRY_BACKOFF },
  stackTraceLimit: 1,
};

/** The braces are the hash tag that keeps the keys of one tenant in one slot of a Redis cluster. */
export function bullmqPrefix(prefix: string, tenant: string): string {
  return `${prefix}:{${tenant}}`;
}

/** The key of the set of all queues; BullMQ's own keys begin with the prefix of a tenant. */
export function queueNamesKey(prefix: string): string {
  return `${prefix}:queues`;
}

/** BullMQ numbers jobs itself and refuses digits alone as an id of ours; `=` is in no id of the protocol. */
export function bullmqIdOf(jobId: string): string {
  return /^\d+$/.test(jobId) ? `=${jobId}` : jobId;
}

export function jobIdOf(bullmqId: string): string {
  return bullmqId.replace(/^=/, '');
}

export function formatQueueName({ tenant, pool }: QueueName): string {
  return JSON.stringify([tenant, pool]);
}

export function parseQueueName(text: string): QueueName {
  const [tenant, pool]: [string, string] = JSON.parse(text);
  return { tenant, pool };
}

/** @throws TypeError for a name that would leave the key space of its tenant */
export function assertQueueName({ tenant, pool }: QueueName): void {
  for (const part of [tenant, pool]) {
    if (!/^[\w.~-]+$/.test(part)) {
      throw new TypeError(`Cannot name a queue "${part}": expected letters, digits and "._~-" only`);
    }
  }
}

export function toBullmqJob(job: QueuedJob): BullmqJob {
  const { document, tenant, pool, acceptedAtMs, attemptsBefore, failedBefore, lostBefore } = job;
  const before = {
    ...(attemptsBefore && { attemptsBefore }),
    ...(failedBefore && { failedBefore }),
    ...(lostBefore && { lostBefore }),
  };
  return {
    name: document.operation,
    data: { document: shortened(document), tenant, pool, acceptedAtMs, ...before },
    options: {
      jobId: bullmqIdOf(document.job_id),
      // protocol: 10 is the most urgent; BullMQ: 1 is, and 0 would overtake everything
      priority: 11 - document.execution.priority,
    },
  };
}

export function toQueuedJob({ postponed, document: short, ...job }: BullmqJobData): QueuedJob {
  // in the order of the protocol
  const { $schema, version, job_id, created_at, kind, operation, metadata, execution, ...rest } = short;
  const document = {
    ...($schema !== undefined && { $schema }),
    ...{ version: version ?? USUAL.version, job_id, created_at, kind: kind ?? USUAL.kind, operation },
    ...(metadata && { metadata }),
    execution: { ...USUAL.execution, ...execution },
    ...rest,
  };
  return { ...job, document };
}

/** What protocol v1 takes for said where a document says nothing: the same for as long as there is a v1. */
const USUAL = { version: '1.0', kind: 'VMOperation', execution: executionSchema.parse({}) } as const;

function shortened({ version, kind, execution, ...document }: JobDocument): ShortDocument {
  const unusual = Object.entries(execution).filter(([name, value]) => value !== Reflect.get(USUAL.execution, name));
  return {
    ...document,
    ...(version !== USUAL.version && { version }),
    ...(kind !== USUAL.kind && { kind }),
    ...(unusual.length > 0 && { execution: Object.fromEntries(unusual) }),
  };
}
