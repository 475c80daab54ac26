import { type Kysely, sql, type Transaction } from 'kysely';
import type { EndedJobs } from './job-archive.ts';
import { JOB_COLUMNS } from './rows.ts';
import type { HistorySchema } from './schema.ts';
import { ARCHIVE, asJobs, JOBS_AT_HAND, type SearchTables } from './search-tables.ts';
import { deleteJobs } from './sql-deletion.ts';
import { deleteFacets, facetRowsOf, insertFacets } from './sql-facets.ts';
import type { SqlFlavour } from './sql-flavour.ts';

export async function archiveJobs(db: Kysely<HistorySchema>, flavour: SqlFlavour, ended: EndedJobs): Promise<number> {
  const tenants = await tenantsOf(db, JOBS_AT_HAND);
  return flavour.transaction(db, async (trx) => {
    const oldest = await oldestEnded(trx, JOBS_AT_HAND, tenants, ended);
    // what others move or delete at this moment is left to them
    const free = await flavour.holdFree(trx.selectFrom('jobs').select('id').where('id', 'in', oldest)).execute();
    if (free.length > 0)
      await moveJobs(
        trx,
        flavour,
        free.map(({ id }) => id),
      );
    return free.length;
  });
}

export async function deleteArchivedJobs(
  db: Kysely<HistorySchema>,
  flavour: SqlFlavour,
  ended: EndedJobs,
): Promise<number> {
  const tenants = await tenantsOf(db, ARCHIVE);
  return flavour.transaction(db, async (trx) => {
    const ids = await oldestEnded(trx, ARCHIVE, tenants, ended);
    await deleteJobs(trx, flavour, ids, ARCHIVE);
    return ids.length;
  });
}

/** From one to the next: an index has them in order, and all rows of one are jumped over. */
async function tenantsOf(db: Kysely<HistorySchema>, { jobs }: SearchTables): Promise<readonly string[]> {
  const tenants: string[] = [];
  for (let last: string | undefined = ''; last !== undefined; ) {
    const next: { tenant: string } | undefined = await db
      .selectFrom(jobs)
      .select('tenant')
      .where('tenant', '>', last)
      .orderBy('tenant')
      .limit(1)
      .executeTakeFirst();
    if (next) tenants.push(next.tenant);
    last = next?.tenant;
  }
  return tenants;
}

/** An index has each state by submission, which no job ends before. */
async function oldestEnded(
  trx: Transaction<HistorySchema>,
  tables: SearchTables,
  tenants: readonly string[],
  { status, before, limit }: EndedJobs,
): Promise<readonly number[]> {
  const ids: number[] = [];
  for (const tenant of tenants) {
    for (const state of status) {
      const { rows } = await sql<{ id: number }>`
        select jobs.id from ${asJobs(tables)}
        where jobs.tenant = ${tenant} and jobs.status = ${state} and jobs.submitted_at < ${before} and jobs.completed_at < ${before}
        order by jobs.submitted_at limit ${sql.lit(limit - ids.length)}`.execute(trx);
      ids.push(...rows.map(({ id }) => id));
      if (ids.length >= limit) return ids;
    }
  }
  return ids;
}

const MOVED_COLUMNS = [...JOB_COLUMNS, 'result', 'cancel_reason', 'wait_until', 'deadline', 'timeout_seconds'] as const;

/** A final state does not move: what is copied is what is deleted. */
async function moveJobs(trx: Transaction<HistorySchema>, flavour: SqlFlavour, ids: readonly number[]): Promise<void> {
  const now = new Date().toISOString();
  await trx.deleteFrom('events').where('job', 'in', ids).where('type', '=', 'progress').execute();
  await trx
    .insertInto('archived_jobs')
    .columns([...MOVED_COLUMNS, 'archived_at'])
    .expression((eb) =>
      eb
        .selectFrom('jobs')
        .select([...MOVED_COLUMNS, sql<string>`cast(${now} as text)`.as('archived_at')])
        .where('id', 'in', ids),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const facets = await facetRowsOf(trx, JOBS_AT_HAND, ids);
  await insertFacets(trx, flavour, ARCHIVE, facets);
  await deleteFacets(trx, flavour, JOBS_AT_HAND, facets);
  await flavour.addNames(trx, ARCHIVE, ids);
  await flavour.removeNames(trx, JOBS_AT_HAND, ids);
  await trx.deleteFrom('outbox').where('job', 'in', ids).execute();
  await trx.deleteFrom('jobs').where('id', 'in', ids).execute();
}
