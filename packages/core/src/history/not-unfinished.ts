import type { JobHistory } from './job-history.ts';

/** Of some jobs of a tenant, those that have ended, or were never there. */
export async function notUnfinished(
  history: JobHistory,
  tenant: string,
  jobIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const strangers = new Set(jobIds);
  if (jobIds.length === 0) return strangers;
  for (const { job_id } of await history.unfinishedAmong(tenant, jobIds)) strangers.delete(job_id);
  return strangers;
}
