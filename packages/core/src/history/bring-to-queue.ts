import type { QueuedJob } from '../queue/job-queue.ts';
import { type LookAgainParts, type StopParts, takeOutEnded } from './take-out-ended.ts';

/** Adds jobs under their ids, in their order, and notes that the queue has them; one that ends in history meanwhile is taken out again. */
export async function bringToQueue(jobs: readonly QueuedJob[], parts: LookAgainParts & StopParts): Promise<void> {
  await parts.queue.enqueueAll(jobs);
  for (const [tenant, group] of Map.groupBy(jobs, (job) => job.tenant)) {
    await noteInQueue(tenant, group, parts);
    await takeOutEnded(tenant, group, parts);
  }
}

/** All are of one tenant. */
export function noteInQueue(
  tenant: string,
  jobs: readonly QueuedJob[],
  { history }: Pick<LookAgainParts, 'history'>,
): Promise<void> {
  return history.markEnqueued(
    tenant,
    jobs.map(({ document }) => document.job_id),
  );
}
