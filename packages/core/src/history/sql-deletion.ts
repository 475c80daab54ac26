import type { Transaction } from 'kysely';
import { isFinal } from '../job/state.ts';
import type { HistorySchema } from './schema.ts';
import { forgetArtifacts } from './sql-artifacts.ts';

/** Deletes rows of jobs with all that belongs to them, its dead letter and idempotency key too: what nobody knows of may be done anew. */
export async function deleteJobs(trx: Transaction<HistorySchema>, ids: readonly number[]): Promise<void> {
  if (ids.length === 0) return;
  for (const table of ['events', 'attempts', 'results'] as const) {
    await trx.deleteFrom(table).where('job', 'in', ids).execute();
  }
  const keys = await trx
    .deleteFrom('jobs')
    .where('id', 'in', ids)
    .returning(['tenant', 'job_id', 'idempotency_key'])
    .execute();
  await forgetArtifacts(trx, keys);
  for (const [tenant, ofTenant] of Map.groupBy(keys, (key) => key.tenant)) {
    const jobIds = ofTenant.map(({ job_id }) => job_id);
    await trx.deleteFrom('dead_letters').where('tenant', '=', tenant).where('job_id', 'in', jobIds).execute();
  }
  for (const { tenant, job_id, idempotency_key } of keys) {
    if (idempotency_key === null) continue;
    const key = trx.deleteFrom('idempotency_keys').where('tenant', '=', tenant).where('key', '=', idempotency_key);
    await key.where('job_id', '=', job_id).execute();
  }
}

/** Deletes those that have ended, and answers with the ids of all that are there no longer. */
export async function purgeJobs(
  trx: Transaction<HistorySchema>,
  tenant: string,
  jobIds: readonly string[],
): Promise<readonly string[]> {
  const rows = await trx
    .selectFrom('jobs')
    .select(['id', 'job_id', 'status'])
    .where('tenant', '=', tenant)
    .where('job_id', 'in', jobIds)
    .execute();
  const ended = rows.filter(({ status }) => isFinal(status));
  await deleteJobs(
    trx,
    ended.map(({ id }) => id),
  );
  const kept = new Set(rows.filter((row) => !ended.includes(row)).map(({ job_id }) => job_id));
  return jobIds.filter((jobId) => !kept.has(jobId));
}
