import type { ApiParts } from '../api-parts.ts';
import { listArtifacts, showArtifact } from './artifacts.ts';
import { bulkJobs } from './bulk-jobs.ts';
import { bulkOperations } from './bulk-operations.ts';
import { cancelJob } from './cancel-job.ts';
import { listDeadLetters, purgeDeadLetter, showDeadLetter } from './dead-letters.ts';
import { repairNow, showHealth } from './doctor.ts';
import { health } from './health.ts';
import { listAudit } from './list-audit.ts';
import { listJobs } from './list-jobs.ts';
import { listWorkers } from './list-workers.ts';
import { requeueDeadLetter, retryJob } from './requeue-dead-letter.ts';
import type { Route } from './route.ts';
import { showCapabilities } from './show-capabilities.ts';
import { showJob } from './show-job.ts';
import { showMetrics } from './show-metrics.ts';
import { showOpenapi } from './show-openapi.ts';
import { showProgress } from './show-progress.ts';
import { showResult } from './show-result.ts';
import { submitBatch } from './submit-batch.ts';
import { submitJob } from './submit-job.ts';

/** Every route of the API, in the order in which its description lists them. */
export function apiRoutes(parts: ApiParts): readonly Route[] {
  const routes = [
    submitJob(parts),
    submitBatch(parts),
    bulkJobs(parts),
    ...bulkOperations(parts),
    listAudit(parts),
    listJobs(parts),
    showJob(parts),
    showResult(parts),
    listArtifacts(parts),
    showArtifact(parts),
    showProgress(parts),
    cancelJob(parts),
    retryJob(parts),
    listDeadLetters(parts),
    showDeadLetter(parts),
    requeueDeadLetter(parts),
    purgeDeadLetter(parts),
    listWorkers(parts),
    showCapabilities(parts),
    showHealth(parts),
    repairNow(parts),
    ...health(parts),
    showMetrics(parts),
  ];
  return [...routes, showOpenapi(routes)];
}
