import type { Transaction } from 'kysely';
import { isFinal } from '../job/state.ts';
import type { HistorySchema } from './schema.ts';
import { ARCHIVE, JOBS_AT_HAND } from './search-tables.ts';
import { forgetArtifacts } from './sql-artifacts.ts';
import { deleteFacets, facetRowsOf } from './sql-facets.ts';
import type { SqlFlavour } from './sql-flavour.ts';

/** Deletes rows of jobs with all that belongs to them, its dead letter and idempotency key too: what nobody knows of may be done anew. */
export async function deleteJobs(
  trx: Transaction<HistorySchema>,
  flavour: SqlFlavour,
  ids: readonly number[],
  tables = JOBS_AT_HAND,
): Promise<void> {
  if (ids.length === 0) return;
  await deleteFacets(trx, flavour, tables, await facetRowsOf(trx, tables, ids));
  for (const table of ['events', 'attempts', 'results', 'outbox'] as const) {
    await trx.deleteFrom(table).where('job', 'in', ids).execute();
  }
  await flavour.removeNames(trx, tables, ids);
  const keys = await trx
    .deleteFrom(tables.jobs)
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

/** Deletes those that have ended, in the archive too, and answers with the ids of all that are there no longer. */
export async function purgeJobs(
  trx: Transaction<HistorySchema>,
  flavour: SqlFlavour,
  tenant: string,
  jobIds: readonly string[],
): Promise<readonly string[]> {
  const named = trx.selectFrom('jobs').where('tenant', '=', tenant).where('job_id', 'in', jobIds);
  // one that is being archived is waited for
  const rows = await flavour.hold(named.select(['id', 'job_id', 'status'])).execute();
  const ended = rows.filter(({ status }) => isFinal(status));
  await deleteJobs(trx, flavour, idsOf(ended));
  const archived = trx.selectFrom('archived_jobs').where('tenant', '=', tenant).where('job_id', 'in', jobIds);
  await deleteJobs(trx, flavour, idsOf(await archived.select('id').execute()), ARCHIVE);
  const kept = new Set(rows.filter((row) => !ended.includes(row)).map(({ job_id }) => job_id));
  return jobIds.filter((jobId) => !kept.has(jobId));
}

function idsOf(rows: readonly { readonly id: number }[]): readonly number[] {
  return rows.map(({ id }) => id);
}
