import { createMetricMaker } from './registry.ts';

export type WorkerMetrics = ReturnType<typeof createWorkerMetrics>;

export interface WorkerReadings {
  /** Seconds since the worker was last announced. */
  readonly heartbeatAgeSeconds: () => number;
}

/** The metrics of a worker, described in docs/metrics.md. */
export function createWorkerMetrics({ heartbeatAgeSeconds }: WorkerReadings) {
  const { registry, counter, gauge, reading, seconds } = createMetricMaker();
  reading('guestkit_worker_heartbeat_age_seconds', 'Time since the last sign of life', heartbeatAgeSeconds);
  return {
    registry,
    jobs: counter('guestkit_worker_jobs_total', 'Jobs that ended here', ['operation', 'status']),
    jobDuration: seconds('guestkit_worker_jobs_duration_seconds', 'From the start of the last attempt to the end', [
      'operation',
      'status',
    ]),
    activeJobs: gauge('guestkit_worker_active_jobs', 'Attempts running now'),
    slots: gauge('guestkit_worker_slots', 'Attempts that may run at once'),
    queueDepth: gauge('guestkit_worker_queue_depth', 'Jobs waiting in the queue', ['pool']),
    queueWait: seconds('guestkit_worker_queue_wait_seconds', 'From acceptance to the first attempt'),
    attempts: counter('guestkit_worker_attempts_total', 'Attempts by what became of them', ['outcome']),
    handlerExecutions: counter('guestkit_handler_executions_total', 'Runs of an operation', ['handler', 'status']),
    handlerDuration: seconds('guestkit_handler_duration_seconds', 'Time within the operation', ['handler', 'status']),
    checksumVerifications: counter('guestkit_checksum_verifications_total', 'Checksums of images compared', ['status']),
    diskReadBytes: counter('guestkit_worker_disk_read_bytes_total', 'Bytes read from images'),
    remoteBytes: counter('guestkit_worker_remote_bytes_total', 'Bytes fetched of remote images'),
    remoteRequests: counter('guestkit_worker_remote_requests_total', 'Requests for parts of remote images'),
    diskWriteBytes: counter('guestkit_worker_disk_write_bytes_total', 'Bytes of results written'),
    consumerReplacements: counter('guestkit_worker_consumer_replacements_total', 'Times that claiming was begun anew'),
    resultCache: counter('guestkit_worker_result_cache_total', 'Results looked up in the cache', ['outcome']),
    jailStart: seconds('guestkit_worker_jail_start_seconds', 'From the start of a jail to its first answer'),
  };
}
