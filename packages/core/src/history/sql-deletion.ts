import type { Transaction } from 'kysely';
import { isFinal } from '../job/state.ts';
import type { HistorySchema } from './schema.ts';
import { JOBS_AT_HAND } from './search-tables.ts';
import { deleteFacets, facetRowsOf } from './sql-facets.ts';
import type { SqlFlavour } from './sql-flavour.ts';

/** Deletes rows of jobs with all that belongs to them, idempotency keys too: what nobody knows of may be done anew. */
export async function deleteJobs(
  trx: Transaction<HistorySchema>,
  flavour: SqlFlavour,
  ids: readonly number[],
  tables = JOBS_AT_HAND,
): Promise<void> {
  if (ids.length === 0) return;
  await deleteFacets(trx, flavour, tables, await facetRowsOf(trx, tables, ids));
  for (const table of ['events', 'attempts', 'results'] as const) {
    await trx.deleteFrom(table).where('job', 'in', ids).execute();
  }
  await flavour.removeNames(trx, tables, ids);
  const keys = await trx
    .deleteFrom(tables.jobs)
    .where('id', 'in', ids)
    .returning(['tenant', 'job_id', 'idempotency_key'])
    .execute();
  for (const { tenant, job_id, idempotency_key } of keys) {
    if (idempotency_key === null) continue;
    const key = trx.deleteFrom('idempotency_keys').where('tenant', '=', tenant).where('key', '=', idempotency_key);
    await key.where('job_id', '=', job_id).execute();
  }
}

/** Deletes those that have ended, and answers with the ids of all that are there no longer. */
export async function purgeJobs(
  trx: Transaction<HistorySchema>,
  flavour: SqlFlavour,
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
    flavour,
    ended.map(({ id }) => id),
  );
  const kept = new Set(rows.filter((row) => !ended.includes(row)).map(({ job_id }) => job_id));
  return jobIds.filter((jobId) => !kept.has(jobId));
}
