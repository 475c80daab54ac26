import type { WorkerAdvertisement } from '@guestkit/core/coordination/worker-registry';
import type { JobDocument } from '@guestkit/core/job/document';
import { ineligibility } from '@guestkit/core/job/eligibility';

/** What a client should know of a job that is accepted all the same: a worker that can run it may still come. */
export function admissionWarnings(
  { document, pool }: { readonly document: JobDocument; readonly pool: string },
  workers: readonly WorkerAdvertisement[],
): readonly string[] {
  const claiming = workers.filter((worker) => isClaiming(worker) && worker.configuration.worker_pool === pool);
  if (claiming.length === 0) return [`No worker of pool "${pool}" is live: the job waits for one`];

  const offering = claiming.filter((worker) => worker.capabilities.operations.includes(document.operation));
  if (offering.length === 0) {
    return [`No live worker of pool "${pool}" offers the operation "${document.operation}"`];
  }
  const reasons = offering.map((worker) => ineligibility(document, worker));
  if (reasons.includes(undefined)) return [];
  return [`No live worker of pool "${pool}" may run the job: ${reasons[0]}`];
}

function isClaiming({ status }: WorkerAdvertisement): boolean {
  return status.state === 'ready' || status.state === 'busy';
}
