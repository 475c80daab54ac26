import type { EventStream } from '@guestkit/core/coordination/event-stream';
import type { QueueEpochKey } from '@guestkit/core/coordination/queue-epoch';
import type { RedisFacts } from '@guestkit/core/coordination/redis/redis-facts';
import type { WorkerRegistry } from '@guestkit/core/coordination/worker-registry';
import type { JobHistory } from '@guestkit/core/history/job-history';
import type { Reconciler } from '@guestkit/core/history/reconcile/reconciler';
import type { JobQueue } from '@guestkit/core/queue/job-queue';
import { reach } from '../reach.ts';
import { checkAgreement } from './check-agreement.ts';
import { checkClocks, checkWorkerClocks } from './check-clocks.ts';
import { checkDatabase, checkEpoch, checkLeader, checkParents, checkRecorder, checkWorkers } from './check-cluster.ts';
import { checkRedis, checkRedisMemory, checkRedisPersistence } from './check-redis.ts';
import type { Diagnosis } from './diagnosis.ts';

/** What the doctor looks at. */
export interface DoctorParts {
  readonly history: JobHistory;
  readonly queue: JobQueue;
  readonly stream: EventStream;
  readonly registry: WorkerRegistry;
  readonly reconciler: Reconciler;
  readonly epochKey: QueueEpochKey;
  readonly redisFacts: () => Promise<RedisFacts>;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

export type Check = (parts: DoctorParts) => Promise<Omit<Diagnosis, 'check'>>;

/** By name, in the order in which they are shown. */
const CHECKS: Readonly<Record<string, Check>> = {
  redis: checkRedis,
  'redis persistence': checkRedisPersistence,
  'redis memory': checkRedisMemory,
  database: checkDatabase,
  clocks: checkClocks,
  'worker clocks': checkWorkerClocks,
  leader: checkLeader,
  recorder: checkRecorder,
  workers: checkWorkers,
  'queue epoch': checkEpoch,
  'stuck parents': checkParents,
  'history and queue': checkAgreement,
};

/** The comparison of all jobs takes the longest, and bounds itself. */
const CHECK_TIMEOUT_MS = 20_000;

/** Looks at every part of the cluster; what does not answer is unknown, and hinders no other check. */
export function diagnose(parts: DoctorParts): Promise<readonly Diagnosis[]> {
  return Promise.all(Object.entries(CHECKS).map(([check, look]) => diagnosisOf(check, () => look(parts))));
}

async function diagnosisOf(check: string, look: () => Promise<Omit<Diagnosis, 'check'>>): Promise<Diagnosis> {
  try {
    return { check, ...(await reach(check, look, CHECK_TIMEOUT_MS)) };
  } catch {
    // the cause may name hosts and paths
    return { check, status: 'unknown', message: 'what it asks gives no answer' };
  }
}
