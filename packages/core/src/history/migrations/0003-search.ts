import { type Kysely, sql } from 'kysely';
import type { JobDocument } from '../../job/document.ts';
import { facetsOf } from '../facets.ts';
import { parseSearchableJson } from '../searchable-json.ts';
import type { ColumnTypes } from '../sql-flavour.ts';

/** What jobs are searched and sorted by, and the archive with the same. */
export async function up(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  for (const index of ['jobs_by_age', 'jobs_by_status', 'jobs_by_operation'])
    await db.schema.dropIndex(index).execute();
  await createArchive(db, types);
  for (const jobs of ['jobs', 'archived_jobs']) await indexJobs(db, jobs);
  for (const facets of ['facets', 'archived_facets']) await createFacets(db, facets, types);
  await fillFacets(db);
  if (types.database === 'postgres') await indexNames(db);
  else await createNames(db);
}

async function createArchive(db: Kysely<unknown>, { integer, text, searchableJson }: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('archived_jobs')
    .addColumn('id', integer, (column) => column.primaryKey())
    .addColumn('tenant', text, (column) => column.notNull())
    .addColumn('job_id', text, (column) => column.notNull())
    .addColumn('pool', text, (column) => column.notNull())
    .addColumn('operation', text, (column) => column.notNull())
    .addColumn('name', text)
    .addColumn('priority', integer, (column) => column.notNull())
    .addColumn('status', text, (column) => column.notNull())
    .addColumn('attempt', integer, (column) => column.notNull())
    .addColumn('worker_id', text)
    .addColumn('created_at', text, (column) => column.notNull())
    .addColumn('submitted_at', text, (column) => column.notNull())
    .addColumn('enqueued_at', text)
    .addColumn('started_at', text)
    .addColumn('completed_at', text)
    .addColumn('duration_ms', integer)
    .addColumn('error_code', text)
    .addColumn('last_sequence', integer, (column) => column.notNull())
    .addColumn('idempotency_key', text)
    .addColumn('content_hash', text, (column) => column.notNull())
    .addColumn('archived_at', text, (column) => column.notNull())
    .addColumn('cancel_requested_at', text)
    .addColumn('cancel_reason', text)
    .addColumn('wait_until', text)
    .addColumn('deadline', text)
    .addColumn('timeout_seconds', integer)
    .addColumn('detail', text)
    .addColumn('error', text)
    .addColumn('labels', searchableJson, (column) => column.notNull())
    .addColumn('payload', searchableJson, (column) => column.notNull())
    .addColumn('document', text, (column) => column.notNull())
    .addColumn('result', text)
    .addUniqueConstraint('archived_jobs_job_id', ['tenant', 'job_id'])
    .execute();
}

/** Expressions of the index, by what it is named for. */
const ENDED_BY: Readonly<Record<string, string>> = {
  start: `coalesce(started_at, '')`,
  end: `coalesce(completed_at, '')`,
  duration: 'coalesce(duration_ms, -1)',
  priority: 'priority',
  name: `substr(coalesce(name, ''), 1, 200)`,
  operation: 'substr(operation, 1, 200)',
  worker: 'substr(worker_id, 1, 200)',
  pool: 'pool',
};

/**
 * One index has every job, by state and submission: it is written again whenever the state changes. The others have jobs that have
 * ended, so that each is written once.
 */
async function indexJobs(db: Kysely<unknown>, jobs: string): Promise<void> {
  await db.schema
    .createIndex(`${jobs}_by_status`)
    .on(jobs)
    .columns(['tenant', 'status', 'submitted_at', 'id'])
    .execute();
  for (const [name, expression] of Object.entries(ENDED_BY)) {
    await sql`
      create index ${sql.ref(`${jobs}_by_${name}`)} on ${sql.table(jobs)} (tenant, (${sql.raw(expression)}), id)
      where completed_at is not null`.execute(db);
  }
  await sql`
    create index ${sql.ref(`${jobs}_by_error`)} on ${sql.table(jobs)} (tenant, error_code, id)
    where completed_at is not null and error_code is not null`.execute(db);
}

async function createFacets(db: Kysely<unknown>, facets: string, { integer, database }: ColumnTypes): Promise<void> {
  await db.schema
    .createTable(facets)
    .addColumn('facet', integer, (column) => column.notNull())
    .addColumn('job', integer, (column) => column.notNull())
    .addPrimaryKeyConstraint(`${facets}_key`, ['facet', 'job'])
    .$call((table) => (database === 'sqlite' ? table.modifyEnd(sql`without rowid`) : table))
    .execute();
}

type Filled = {
  readonly jobs: { readonly id: number; readonly tenant: string; readonly document: string; readonly payload: string };
  readonly facets: { readonly facet: number; readonly job: number };
};

const ROWS_AT_A_TIME = 100;

async function fillFacets(unknown: Kysely<unknown>): Promise<void> {
  const db = unknown.withTables<Filled>();
  for (let after = -1; ; ) {
    const rows = await db
      .selectFrom('jobs')
      .select(['id', 'tenant', 'document', 'payload'])
      .where('id', '>', after)
      .orderBy('id')
      .limit(ROWS_AT_A_TIME)
      .execute();
    for (const { id, tenant, document, payload } of rows) {
      const job: JobDocument = { ...JSON.parse(document), payload: parseSearchableJson(payload) };
      const facets = facetsOf(tenant, job).map((facet) => ({ facet, job: id }));
      if (facets.length > 0) await db.insertInto('facets').values(facets).execute();
    }
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.id;
  }
}

/** Groups of three characters, without their places. Only what is added later is in these tables: rows have no copy of it. */
async function createNames(db: Kysely<unknown>): Promise<void> {
  for (const [names, jobs] of [
    ['job_names', 'jobs'],
    ['archived_job_names', 'archived_jobs'],
  ] as const) {
    await sql`
      create virtual table ${sql.table(names)}
      using fts5(name, content = '', contentless_delete = 1, tokenize = 'trigram', detail = 'none')`.execute(db);
    await sql`insert into ${sql.table(names)} (rowid, name) select id, name from ${sql.table(jobs)} where name is not null`.execute(
      db,
    );
  }
}

/** The same by an extension; where it cannot be had, a rare text in names is looked for in all of them. */
async function indexNames(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ schema: string | null; possible: boolean }>`
    select (select nspname from pg_extension join pg_namespace on pg_namespace.oid = extnamespace where extname = 'pg_trgm') as schema,
      exists (select from pg_available_extensions where name = 'pg_trgm')
        and has_database_privilege(current_database(), 'create') as possible`.execute(db);
  const [{ schema = null, possible = false } = {}] = rows;
  if (schema === null && !possible) return;
  if (schema === null) await sql`create extension pg_trgm with schema public`.execute(db);
  for (const jobs of ['jobs', 'archived_jobs']) {
    await sql`
      create index ${sql.ref(`${jobs}_by_text_of_name`)} on ${sql.table(jobs)}
      using gin (name ${sql.id(schema ?? 'public', 'gin_trgm_ops')})
      where completed_at is not null and name is not null`.execute(db);
  }
}
