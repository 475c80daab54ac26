import type { ArtifactStore } from '@guestkit/core/artifact/artifact-store';
import type { ApiConfig } from '@guestkit/core/config/api-config';
import type { CancelIntents } from '@guestkit/core/coordination/cancel-intents';
import type { Fence } from '@guestkit/core/coordination/fence';
import type { WorkerRegistry } from '@guestkit/core/coordination/worker-registry';
import type { JobHistory } from '@guestkit/core/history/job-history';
import type { Reconciler } from '@guestkit/core/history/reconcile/reconciler';
import type { JobQueue } from '@guestkit/core/queue/job-queue';
import type { ApiMetrics } from '@guestkit/core/telemetry/api-metrics';
import type { Logger } from '@guestkit/core/telemetry/logger';
import type { RequestHandler } from 'express';
import type { AdmissionGate } from './backpressure/gate.ts';
import type { DoctorParts } from './doctor/doctor.ts';
import type { JobNews } from './job-news.ts';

/** What the routes of an API node work with. */
export interface ApiParts {
  readonly config: ApiConfig;
  readonly history: JobHistory;
  readonly queue: JobQueue;
  readonly registry: WorkerRegistry;
  readonly artifacts: ArtifactStore;
  readonly reconciler: Reconciler;
  readonly doctor: DoctorParts;
  readonly cancels: CancelIntents;
  readonly fence: Fence;
  readonly gate: AdmissionGate;
  readonly news: JobNews;
  /** Bull Board, to be mounted at `/board`. */
  readonly board: RequestHandler;
  /** By the name of what is probed: reject, or do not answer, when it cannot be reached. */
  readonly probes: Readonly<Record<string, () => Promise<unknown>>>;
  readonly logger: Logger;
  readonly metrics: ApiMetrics;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Fires when the node begins to stop: streams end. */
  readonly stopping: AbortSignal;
}
