import type { Transaction } from 'kysely';
import type { JobDocument } from '../job/document.ts';
import { facetsOf } from './facets.ts';
import { JOB_COLUMNS, toJobRecord } from './rows.ts';
import type { FacetsTable, HistorySchema } from './schema.ts';
import type { SearchTables } from './search-tables.ts';
import type { SqlFlavour } from './sql-flavour.ts';

export function facetRows(job: number, tenant: string, document: JobDocument): readonly FacetsTable[] {
  return facetsOf(tenant, document).map((facet) => ({ facet, job }));
}

/** Made from the jobs again: an index of facets by their jobs would be written for this alone. */
export async function facetRowsOf(
  trx: Transaction<HistorySchema>,
  { jobs }: SearchTables,
  ids: readonly number[],
): Promise<readonly FacetsTable[]> {
  const rows = await trx.selectFrom(jobs).select(JOB_COLUMNS).where('id', 'in', ids).execute();
  return rows.flatMap((row) => facetRows(row.id, row.tenant, toJobRecord(row).document));
}

export async function insertFacets(
  trx: Transaction<HistorySchema>,
  flavour: SqlFlavour,
  { facets }: SearchTables,
  rows: readonly FacetsTable[],
): Promise<void> {
  if (rows.length === 0) return;
  await flavour.withRows(trx, {
    ...{ columns: ['facet', 'job'], rows },
    statement: `insert into ${facets} (facet, job) select facet, job from news where true on conflict do nothing`,
  });
}

export async function deleteFacets(
  trx: Transaction<HistorySchema>,
  flavour: SqlFlavour,
  { facets }: SearchTables,
  rows: readonly FacetsTable[],
): Promise<void> {
  if (rows.length === 0) return;
  await flavour.withRows(trx, {
    ...{ columns: ['facet', 'job'], rows },
    statement: `delete from ${facets} where (facet, job) in (select facet, job from news)`,
  });
}
