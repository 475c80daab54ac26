import type { JobQueue, QueueName } from '@guestkit/core/queue/job-queue';
import type { WorkerMetrics } from '@guestkit/core/telemetry/worker-metrics';

export interface QueueDepthOptions {
  readonly queue: JobQueue;
  readonly name: QueueName;
  readonly everyMs: number;
  readonly metrics: WorkerMetrics;
  readonly onError: (error: Error) => void;
}

/** Keeps the metric of waiting jobs fresh until disposed of. */
export function watchQueueDepth({ queue, name, everyMs, metrics, onError }: QueueDepthOptions): Disposable {
  const measure = async () => {
    const { waiting } = await queue.depth(name);
    metrics.queueDepth.set({ pool: name.pool }, waiting);
  };
  const timer = setInterval(() => void measure().catch(onError), everyMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
