import type { Transaction } from 'kysely';
import { findKnownJob, type KnownJob } from './job-by-id.ts';
import type { Acceptance, JobRecord } from './job-history.ts';
import { type NewJobRow, toJobRecord } from './rows.ts';
import type { HistorySchema } from './schema.ts';
import { JOBS_AT_HAND } from './search-tables.ts';
import { facetRows, insertFacets } from './sql-facets.ts';
import type { SqlFlavour } from './sql-flavour.ts';
import { putIntoOutbox } from './sql-outbox.ts';

/**
 * Makes rows of all jobs that are new; for each of the others, the job that is in its way is looked up. A key is claimed before its
 * job is inserted, so that of many who come with one key a single one goes on.
 */
export async function acceptJobs(
  trx: Transaction<HistorySchema>,
  flavour: SqlFlavour,
  rows: readonly NewJobRow[],
): Promise<readonly Acceptance[]> {
  const created = await createJobs(trx, flavour, rows);
  const acceptances: Acceptance[] = [];
  const records = new Map<number, JobRecord>();
  for (const row of rows) {
    const id = created.get(row);
    if (id === undefined) acceptances.push(await compareWithKnown(trx, row));
    else {
      const job = toJobRecord(row);
      records.set(id, job);
      acceptances.push({ outcome: 'created', job });
    }
  }
  await putIntoOutbox(trx, flavour, [...records.keys()]);
  const facets = [...records].flatMap(([job, { tenant, document }]) => facetRows(job, tenant, document));
  await insertFacets(trx, flavour, JOBS_AT_HAND, facets);
  const named = [...records].flatMap(([id, { name }]) => (name === null ? [] : [id]));
  if (named.length > 0) await flavour.addNames(trx, JOBS_AT_HAND, named);
  return acceptances;
}

/** The keys that new rows were given. */
async function createJobs(
  trx: Transaction<HistorySchema>,
  flavour: SqlFlavour,
  rows: readonly NewJobRow[],
): Promise<ReadonlyMap<NewJobRow, number>> {
  const created = new Map<NewJobRow, number>();
  let left = rows;
  while (left.length > 0) {
    const keyed = await claimKeys(trx, left);
    const keyless = left.filter((row) => row.idempotency_key === null);
    for (const [row, id] of await insertJobs(trx, flavour, [...keyless, ...keyed])) created.set(row, id);
    // its id is that of another job
    const vain = keyed.filter((row) => !created.has(row));
    await releaseKeys(trx, vain);
    // who came second to a key that is free again comes again
    left = left.filter((row) => !created.has(row) && vain.some((other) => other !== row && haveOneKey(other, row)));
  }
  return created;
}

/** Answers with those whose key nobody had. */
async function claimKeys(trx: Transaction<HistorySchema>, rows: readonly NewJobRow[]): Promise<readonly NewJobRow[]> {
  const keyed = rows.filter((row) => row.idempotency_key !== null);
  if (keyed.length === 0) return [];
  const claims = keyed.map(({ tenant, idempotency_key, content_hash, job_id, submitted_at }) => ({
    ...{ tenant, key: idempotency_key ?? '', content_hash, job_id, created_at: submitted_at },
  }));
  const claimed = await trx
    .insertInto('idempotency_keys')
    // two that claim the same in the same order do not wait for each other
    .values(claims.sort((a, b) => (a.key < b.key ? -1 : 1)))
    .onConflict((conflict) => conflict.doNothing())
    .returning(['tenant', 'key as idempotency_key', 'job_id'])
    .execute();
  return firstOfEach(keyed, claimed);
}

async function releaseKeys(trx: Transaction<HistorySchema>, rows: readonly NewJobRow[]): Promise<void> {
  for (const { tenant, idempotency_key } of rows) {
    await trx
      .deleteFrom('idempotency_keys')
      .where('tenant', '=', tenant)
      .where('key', '=', idempotency_key ?? '')
      .execute();
  }
}

type Inserted = readonly (readonly [row: NewJobRow, id: number])[];

/** Answers with those whose id no job had. */
async function insertJobs(
  trx: Transaction<HistorySchema>,
  flavour: SqlFlavour,
  rows: readonly NewJobRow[],
): Promise<Inserted> {
  if (rows.length === 0) return [];
  const columns = Object.keys(rows[0] ?? {});
  const names = columns.join(', ');
  const inserted = await flavour.withRows<JobName & { readonly id: number }>(trx, {
    ...{ table: 'jobs', columns, rows },
    statement: `
      insert into jobs (${names}) select ${names} from news where true
      on conflict do nothing returning id, tenant, job_id, idempotency_key`,
  });
  const ids = new Map(inserted.map((row) => [nameOf(row), row.id]));
  const archived = await takeBackArchived(trx, inserted);
  return firstOfEach(rows, inserted).flatMap((row) => {
    const id = ids.get(nameOf(row)) ?? 0;
    return archived.has(id) ? [] : [[row, id] as const];
  });
}

/** Ids of the archive are taken. It is looked into after inserting, so that no job slips past that is moved there at this moment. */
async function takeBackArchived(
  trx: Transaction<HistorySchema>,
  inserted: readonly (JobName & { readonly id: number })[],
): Promise<ReadonlySet<number>> {
  const ids = inserted.map(({ id }) => id);
  if (ids.length === 0) return new Set();
  const taken = await trx
    .selectFrom('jobs')
    .innerJoin('archived_jobs', (join) =>
      join.onRef('archived_jobs.tenant', '=', 'jobs.tenant').onRef('archived_jobs.job_id', '=', 'jobs.job_id'),
    )
    .select('jobs.id')
    .where('jobs.id', 'in', ids)
    .execute();
  const takenIds = taken.map(({ id }) => id);
  if (takenIds.length > 0) await trx.deleteFrom('jobs').where('id', 'in', takenIds).execute();
  return new Set(takenIds);
}

type JobName = Pick<NewJobRow, 'tenant' | 'job_id' | 'idempotency_key'>;

/** Of several rows with one name, the database has taken the first. */
function firstOfEach(rows: readonly NewJobRow[], names: readonly JobName[]): readonly NewJobRow[] {
  const taken = new Set(names.map(nameOf));
  return rows.filter((row) => taken.delete(nameOf(row)));
}

function nameOf({ tenant, job_id, idempotency_key }: JobName): string {
  return JSON.stringify([tenant, job_id, idempotency_key]);
}

function haveOneKey(one: NewJobRow, other: NewJobRow): boolean {
  return one.tenant === other.tenant && one.idempotency_key === other.idempotency_key;
}

async function compareWithKnown(trx: Transaction<HistorySchema>, row: NewJobRow): Promise<Acceptance> {
  const sameId = await findKnownJob(trx, row.tenant, row.job_id);
  const { record: job, content_hash } = sameId ?? (await findByKey(trx, row));
  if (content_hash === row.content_hash) return { outcome: 'duplicate', job };
  return { outcome: 'conflict', field: sameId ? 'job_id' : 'execution.idempotency_key', job };
}

async function findByKey(trx: Transaction<HistorySchema>, row: NewJobRow): Promise<KnownJob> {
  const { job_id } = await trx
    .selectFrom('idempotency_keys')
    .select('job_id')
    .where('tenant', '=', row.tenant)
    .where('key', '=', row.idempotency_key ?? '')
    .executeTakeFirstOrThrow();
  const known = await findKnownJob(trx, row.tenant, job_id);
  if (known === undefined)
    throw new Error(`Cannot find job "${job_id}": its idempotency key is known, expected the job`);
  return known;
}
