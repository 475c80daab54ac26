import { createMetricMaker } from './registry.ts';

export type ApiMetrics = ReturnType<typeof createApiMetrics>;

/** The metrics of an API node, described in docs/metrics.md. */
export function createApiMetrics() {
  const { registry, counter, gauge, seconds } = createMetricMaker();
  return {
    registry,
    requests: counter('guestkit_api_requests_total', 'Requests answered', ['method', 'route', 'status']),
    requestDuration: seconds('guestkit_api_request_duration_seconds', 'From a request to its answer', [
      'method',
      'route',
    ]),
    jobsAccepted: counter('guestkit_api_jobs_accepted_total', 'Job documents posted, by outcome', ['outcome']),
    recorderEvents: counter('guestkit_recorder_events_total', 'Events written to history', ['type']),
    recorderLag: gauge('guestkit_recorder_lag_seconds', 'Age of the newest event when it was written'),
    deadLetters: counter('guestkit_dead_letters_total', 'Jobs that failed for good, by the class of the error', [
      'class',
    ]),
    openDeadLetters: gauge('guestkit_dead_letters_open', 'Dead letters that nobody has dealt with', ['class']),
    jobsPutAway: counter('guestkit_jobs_put_away_total', 'Jobs moved to the archive, or deleted from it', ['what']),
    leader: gauge('guestkit_leader', 'Whether this node does the duties: 1 or 0'),
    admissionOpen: gauge('guestkit_admission_open', 'Whether jobs are taken in: 1 or 0'),
    admissionRefused: counter('guestkit_admission_refused_total', 'Jobs not taken in, by what was too full', [
      'reason',
    ]),
    artifactsSwept: counter(
      'guestkit_artifacts_swept_total',
      'Objects removed from the artifact store for belonging to no job',
    ),
    reconcilerRepairs: counter('guestkit_reconciler_repairs_total', 'Jobs whose history and queue disagreed', ['kind']),
    queueRebuilds: counter('guestkit_queue_rebuilds_total', 'Times that the queue was rebuilt from history'),
    workersAlive: gauge('guestkit_workers_alive', 'Workers whose sign of life is recent'),
  };
}
