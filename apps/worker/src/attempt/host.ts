import type { RetrySettings } from '@guestkit/core/config/retry-setting';
import type { CancelWatch } from '@guestkit/core/coordination/cancel-intents';
import type { EventStream } from '@guestkit/core/coordination/event-stream';
import type { Fence } from '@guestkit/core/coordination/fence';
import type { WorkerAdvertisement, WorkerRegistry } from '@guestkit/core/coordination/worker-registry';
import type { Logger } from '@guestkit/core/telemetry/logger';
import type { WorkerMetrics } from '@guestkit/core/telemetry/worker-metrics';
import type { Operation, Runner } from '@guestkit/operations/operation';
import type { JailPool } from '../jail/pool.ts';
import type { DataKeeping } from './keep-data.ts';
import type { ResultCache } from './result-cache.ts';
import type { LimitSettings } from './time-limits.ts';

/** The worker, as its attempts see it. */
export interface AttemptHost {
  readonly workerId: string;
  readonly advertise: () => WorkerAdvertisement;
  readonly registry: WorkerRegistry;
  readonly events: EventStream;
  readonly cancels: CancelWatch;
  readonly fence: Fence;
  readonly limits: LimitSettings;
  readonly jails: JailPool;
  readonly operations: ReadonlyMap<string, Operation>;
  /** For operations that run in the worker itself. */
  readonly inlineRunners: ReadonlyMap<string, Runner>;
  readonly maxLostAttempts: number;
  readonly retry: RetrySettings;
  readonly keeping: DataKeeping;
  /** Where results of unchanged images may be answered again. */
  readonly cache?: ResultCache | undefined;
  readonly metrics: WorkerMetrics;
  readonly logger: Logger;
  /** Fires when attempts must go back to the queue. */
  readonly leaving: AbortSignal;
}
