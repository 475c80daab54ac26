import type { Transaction } from 'kysely';
import { findKnownJob, type KnownJob } from './job-by-id.ts';
import type { Acceptance } from './job-history.ts';
import { type NewJob, type NewJobRow, nameOfJob, toNewRecord } from './rows.ts';
import type { HistorySchema } from './schema.ts';
import { JOBS_AT_HAND } from './search-tables.ts';
import { deleteFacets } from './sql-facets.ts';
import type { SqlFlavour } from './sql-flavour.ts';

/**
 * Makes rows of all jobs that are new; for each of the others, the job that is in its way is looked up. A key is claimed before its
 * job is inserted, so that of many who come with one key a single one goes on.
 */
export async function acceptJobs(
  trx: Transaction<HistorySchema>,
  flavour: SqlFlavour,
  jobs: readonly NewJob[],
): Promise<readonly Acceptance[]> {
  const created = await createJobs(trx, flavour, jobs);
  const named = [...created].flatMap(([{ row }, id]) => (row.name === null ? [] : [id]));
  if (named.length > 0) await flavour.addNames(trx, JOBS_AT_HAND, named);
  const acceptances: Acceptance[] = [];
  for (const job of jobs) {
    if (created.has(job)) acceptances.push({ outcome: 'created', job: toNewRecord(job) });
    else acceptances.push(await compareWithKnown(trx, job.row));
  }
  return acceptances;
}

type Created = ReadonlyMap<NewJob, number>;

/** The keys that new rows were given. */
async function createJobs(
  trx: Transaction<HistorySchema>,
  flavour: SqlFlavour,
  jobs: readonly NewJob[],
): Promise<Created> {
  const created = new Map<NewJob, number>();
  let left = jobs;
  while (left.length > 0) {
    const keyed = await claimKeys(trx, left);
    const keyless = left.filter(({ row }) => row.idempotency_key === null);
    for (const [job, id] of await insertJobs(trx, flavour, [...keyless, ...keyed])) created.set(job, id);
    // its id is that of another job
    const vain = keyed.filter((job) => !created.has(job));
    await releaseKeys(trx, vain);
    // who came second to a key that is free again comes again
    left = left.filter((job) => !created.has(job) && vain.some((other) => other !== job && haveOneKey(other, job)));
  }
  return created;
}

/** Answers with those whose key nobody had. */
async function claimKeys(trx: Transaction<HistorySchema>, jobs: readonly NewJob[]): Promise<readonly NewJob[]> {
  const keyed = jobs.filter(({ row }) => row.idempotency_key !== null);
  if (keyed.length === 0) return [];
  const claims = keyed.map(({ row: { tenant, idempotency_key, content_hash, job_id, submitted_at } }) => ({
    ...{ tenant, key: idempotency_key ?? '', content_hash, job_id, created_at: submitted_at },
  }));
  const claimed = await trx
    .insertInto('idempotency_keys')
    // two that claim the same in the same order do not wait for each other
    .values(claims.sort((a, b) => (a.key < b.key ? -1 : 1)))
    .onConflict((conflict) => conflict.doNothing())
    .returning(['tenant', 'key as idempotency_key', 'job_id'])
    .execute();
  // of several with one key, the database has taken the first
  const taken = new Set(claimed.map(keyOf));
  return keyed.filter(({ row }) => taken.delete(keyOf(row)));
}

async function releaseKeys(trx: Transaction<HistorySchema>, jobs: readonly NewJob[]): Promise<void> {
  for (const {
    row: { tenant, idempotency_key },
  } of jobs) {
    await trx
      .deleteFrom('idempotency_keys')
      .where('tenant', '=', tenant)
      .where('key', '=', idempotency_key ?? '')
      .execute();
  }
}

/** Answers with those whose id no job had. */
async function insertJobs(
  trx: Transaction<HistorySchema>,
  flavour: SqlFlavour,
  jobs: readonly NewJob[],
): Promise<Map<NewJob, number>> {
  const first = new Map(jobs.toReversed().map((job) => [nameOfJob(job.row), job]));
  const distinct = jobs.filter((job) => first.get(nameOfJob(job.row)) === job);
  const inserted = await flavour.insertJobs(trx, distinct);
  const created = new Map(inserted.flatMap((row) => pairOf(first.get(nameOfJob(row)), row.id)));
  await takeBackArchived(trx, flavour, created);
  return created;
}

function pairOf(job: NewJob | undefined, id: number): readonly (readonly [NewJob, number])[] {
  return job === undefined ? [] : [[job, id]];
}

/** Ids of the archive are taken, unless they were made up just now. It is looked into after inserting, so that no job slips past that is moved there at this moment. */
async function takeBackArchived(
  trx: Transaction<HistorySchema>,
  flavour: SqlFlavour,
  created: Map<NewJob, number>,
): Promise<void> {
  const given = [...created.keys()].filter(({ job }) => !job.isIdNew);
  for (const [tenant, jobs] of Map.groupBy(given, ({ row }) => row.tenant)) {
    const jobIds = jobs.map(({ row }) => row.job_id);
    const archived = await trx
      .selectFrom('archived_jobs')
      .select('job_id')
      .where('tenant', '=', tenant)
      .where(flavour.isAmong('job_id', jobIds))
      .execute();
    const taken = new Set(archived.map(({ job_id }) => job_id));
    for (const job of jobs.filter(({ row }) => taken.has(row.job_id))) {
      await takeBack(trx, flavour, job, created.get(job) ?? 0);
      created.delete(job);
    }
  }
}

async function takeBack(
  trx: Transaction<HistorySchema>,
  flavour: SqlFlavour,
  { facets }: NewJob,
  id: number,
): Promise<void> {
  const rows = facets.map((facet) => ({ facet, job: id }));
  await deleteFacets(trx, flavour, JOBS_AT_HAND, rows);
  await trx.deleteFrom('outbox').where('job', '=', id).execute();
  await trx.deleteFrom('jobs').where('id', '=', id).execute();
}

function keyOf({ tenant, job_id, idempotency_key }: Pick<NewJobRow, 'tenant' | 'job_id' | 'idempotency_key'>): string {
  return JSON.stringify([tenant, job_id, idempotency_key]);
}

function haveOneKey({ row: one }: NewJob, { row: other }: NewJob): boolean {
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
