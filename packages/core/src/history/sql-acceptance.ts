import type { Transaction } from 'kysely';
import { jobById } from './job-by-id.ts';
import type { Acceptance } from './job-history.ts';
import { type JobRowWithoutResult, type NewJobRow, toJobRecord } from './rows.ts';
import type { HistorySchema } from './schema.ts';
import type { SqlFlavour } from './sql-flavour.ts';

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
  for (const row of rows) {
    acceptances.push(
      created.has(row) ? { outcome: 'created', job: toJobRecord(row) } : await compareWithKnown(trx, row),
    );
  }
  return acceptances;
}

async function createJobs(
  trx: Transaction<HistorySchema>,
  flavour: SqlFlavour,
  rows: readonly NewJobRow[],
): Promise<Set<NewJobRow>> {
  const created = new Set<NewJobRow>();
  let left = rows;
  while (left.length > 0) {
    const keyed = await claimKeys(trx, left);
    const keyless = left.filter((row) => row.idempotency_key === null);
    for (const row of await insertJobs(trx, flavour, [...keyless, ...keyed])) created.add(row);
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

/** Answers with those whose id no job had. */
async function insertJobs(
  trx: Transaction<HistorySchema>,
  flavour: SqlFlavour,
  rows: readonly NewJobRow[],
): Promise<readonly NewJobRow[]> {
  if (rows.length === 0) return [];
  const columns = Object.keys(rows[0] ?? {});
  const names = columns.join(', ');
  const inserted = await flavour.withRows<JobName>(trx, {
    ...{ table: 'jobs', columns, rows },
    statement: `
      insert into jobs (${names}) select ${names} from news where true
      on conflict do nothing returning tenant, job_id, idempotency_key`,
  });
  return firstOfEach(rows, inserted);
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
  const sameId = await jobById(trx, row.tenant, row.job_id).executeTakeFirst();
  const known = sameId ?? (await jobByKey(trx, row));
  const job = toJobRecord(known);
  if (known.content_hash === row.content_hash) return { outcome: 'duplicate', job };
  return { outcome: 'conflict', field: sameId ? 'job_id' : 'execution.idempotency_key', job };
}

async function jobByKey(trx: Transaction<HistorySchema>, row: NewJobRow): Promise<JobRowWithoutResult> {
  const { job_id } = await trx
    .selectFrom('idempotency_keys')
    .select('job_id')
    .where('tenant', '=', row.tenant)
    .where('key', '=', row.idempotency_key ?? '')
    .executeTakeFirstOrThrow();
  return jobById(trx, row.tenant, job_id).executeTakeFirstOrThrow();
}
