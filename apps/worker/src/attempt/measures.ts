import type { ResultDocument } from '@guestkit/core/job/result';
import type { Delivery } from '@guestkit/core/queue/job-queue';
import type { WorkerMetrics } from '@guestkit/core/telemetry/worker-metrics';
import type { Operation } from '@guestkit/operations/operation';
import type { JailReport } from '../jail/task.ts';
import type { AttemptHost } from './host.ts';

// What the metrics learn from attempts.

export function countAttempt({ job, attempt }: Delivery, { metrics }: AttemptHost): void {
  if (attempt === 1) metrics.queueWait.observe(Math.max(0, Date.now() - job.acceptedAtMs) / 1000);
}

export function countReport(
  { ending, imageBytesRead, fetched, output, checksums }: JailReport,
  { name }: Operation,
  seconds: number,
  metrics: WorkerMetrics,
): void {
  const labels = { handler: name, status: ending.kind === 'result' ? 'success' : 'failure' };
  metrics.handlerExecutions.inc(labels);
  metrics.handlerDuration.observe(labels, seconds);
  if (imageBytesRead > 0) metrics.diskReadBytes.inc(imageBytesRead);
  if (fetched) {
    metrics.remoteBytes.inc(fetched.bytes_fetched);
    metrics.remoteRequests.inc(fetched.requests);
  }
  if (output) metrics.diskWriteBytes.inc(output.sizeBytes);
  for (const status of checksums) metrics.checksumVerifications.inc({ status });
}

export function countResult(result: ResultDocument, { job }: Delivery, { metrics, operations }: AttemptHost): void {
  // clients choose the names of operations, so those that are none of ours share a label
  const operation = operations.has(job.document.operation) ? job.document.operation : 'unknown';
  const labels = { operation, status: result.status };
  metrics.jobs.inc(labels);
  metrics.jobDuration.observe(labels, result.execution_summary.duration_ms / 1000);
  metrics.attempts.inc({ outcome: result.status });
}
