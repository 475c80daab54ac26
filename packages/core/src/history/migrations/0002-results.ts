import { type Kysely, sql } from 'kysely';
import type { ResultDocument } from '../../job/result.ts';
import type { ColumnTypes } from '../sql-flavour.ts';

/** Results stand apart, so that rows of jobs stay light; idempotency keys stand apart, so that they outlive their jobs. */
export async function up(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  const { integer, text } = types;
  await db.schema
    .createTable('results')
    .addColumn('job', integer, (column) => column.primaryKey())
    .addColumn('attempt', integer, (column) => column.notNull())
    .addColumn('document', text, (column) => column.notNull())
    .addColumn('size_bytes', integer, (column) => column.notNull())
    .addColumn('artifact', text)
    .execute();
  await db.schema
    .createTable('idempotency_keys')
    .addColumn('tenant', text, (column) => column.notNull())
    .addColumn('key', text, (column) => column.notNull())
    .addColumn('content_hash', text, (column) => column.notNull())
    .addColumn('job_id', text, (column) => column.notNull())
    .addColumn('created_at', text, (column) => column.notNull())
    .addPrimaryKeyConstraint('idempotency_keys_key', ['tenant', 'key'])
    .execute();
  await (types.database === 'postgres' ? alterTables(db, types) : remakeTables(db, types));
  await sql`
    insert into idempotency_keys (tenant, key, content_hash, job_id, created_at)
      select tenant, idempotency_key, content_hash, job_id, submitted_at from jobs where idempotency_key is not null
  `.execute(db);
  await moveResults(db);
}

/**
 * A key is unique in its own table from now on. References to jobs are no longer checked: a job is deleted in one place only, with all
 * that belongs to it, and checks cost as much as writing.
 */
async function alterTables(db: Kysely<unknown>, { integer, text }: ColumnTypes): Promise<void> {
  await db.schema.alterTable('jobs').dropConstraint('jobs_idempotency_key').execute();
  await db.schema.alterTable('attempts').dropConstraint('attempts_job_fkey').execute();
  await db.schema.alterTable('events').dropConstraint('events_job_fkey').execute();
  await db.schema.alterTable('jobs').addColumn('duration_ms', integer).addColumn('error_code', text).execute();
}

const JOBS =
  'id, tenant, job_id, pool, operation, name, labels, priority, status, detail, attempt, worker_id, document, payload, content_hash, idempotency_key, created_at, submitted_at, enqueued_at, started_at, completed_at, result, error, last_sequence';

/** The same; and columns that may be large come last, so that looking at the others does not read them. */
async function remakeTables(db: Kysely<unknown>, { growingKey, integer, text, searchableJson }: ColumnTypes) {
  await db.schema
    .createTable('jobs_anew')
    .addColumn('id', growingKey)
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
    .addColumn('detail', text)
    .addColumn('error', text)
    .addColumn('labels', searchableJson, (column) => column.notNull())
    .addColumn('payload', searchableJson, (column) => column.notNull())
    .addColumn('document', text, (column) => column.notNull())
    .addColumn('result', text)
    .addUniqueConstraint('jobs_job_id', ['tenant', 'job_id'])
    .execute();
  await db.schema
    .createTable('attempts_anew')
    .addColumn('job', integer, (column) => column.notNull())
    .addColumn('attempt', integer, (column) => column.notNull())
    .addColumn('worker_id', text, (column) => column.notNull())
    .addColumn('started_at', text, (column) => column.notNull())
    .addColumn('ended_at', text)
    .addColumn('outcome', text, (column) => column.notNull())
    .addColumn('error', text)
    .addPrimaryKeyConstraint('attempts_key', ['job', 'attempt'])
    .execute();
  await db.schema
    .createTable('events_anew')
    .addColumn('job', integer, (column) => column.notNull())
    .addColumn('sequence', integer, (column) => column.notNull())
    .addColumn('attempt', integer, (column) => column.notNull())
    .addColumn('type', text, (column) => column.notNull())
    .addColumn('timestamp', text, (column) => column.notNull())
    .addColumn('worker_id', text, (column) => column.notNull())
    .addColumn('body', text, (column) => column.notNull())
    .addPrimaryKeyConstraint('events_key', ['job', 'sequence'])
    .execute();
  const columns = sql.raw(JOBS);
  await sql`insert into jobs_anew (${columns}) select ${columns} from jobs`.execute(db);
  await sql`insert into attempts_anew select * from attempts`.execute(db);
  await sql`insert into events_anew select * from events`.execute(db);
  // what refers to jobs goes first: dropping jobs would delete it
  for (const table of ['events', 'attempts', 'jobs']) {
    await db.schema.dropTable(table).execute();
    await db.schema.alterTable(`${table}_anew`).renameTo(table).execute();
  }
  await indexJobs(db);
}

/** As they were. */
async function indexJobs(db: Kysely<unknown>): Promise<void> {
  await db.schema.createIndex('jobs_by_age').on('jobs').columns(['tenant', 'id']).execute();
  await db.schema.createIndex('jobs_by_status').on('jobs').columns(['tenant', 'status', 'id']).execute();
  await db.schema.createIndex('jobs_by_operation').on('jobs').columns(['tenant', 'operation', 'id']).execute();
  await sql`
    create index jobs_not_enqueued on jobs (id) where enqueued_at is null and status = 'pending'
  `.execute(db);
}

type Moving = {
  readonly jobs: {
    readonly id: number;
    readonly attempt: number;
    readonly started_at: string | null;
    readonly completed_at: string | null;
    readonly result: string | null;
    readonly error_code: string | null;
    readonly duration_ms: number | null;
  };
  readonly results: {
    readonly job: number;
    readonly attempt: number;
    readonly document: string;
    readonly size_bytes: number;
  };
};

const ROWS_AT_A_TIME = 500;

async function moveResults(unknown: Kysely<unknown>): Promise<void> {
  const db = unknown.withTables<Moving>();
  for (let after = -1; ; ) {
    const rows = await db
      .selectFrom('jobs')
      .select(['id', 'attempt', 'started_at', 'completed_at', 'result'])
      .where('id', '>', after)
      .where('result', 'is not', null)
      .orderBy('id')
      .limit(ROWS_AT_A_TIME)
      .execute();
    for (const row of rows) await moveResult(db, row);
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.id;
  }
}

type Moved = Pick<Moving['jobs'], 'id' | 'attempt' | 'started_at' | 'completed_at' | 'result'>;

async function moveResult(db: Kysely<Moving>, { id, attempt, started_at, completed_at, result }: Moved): Promise<void> {
  const document = result ?? '';
  const { data, ...outcome }: ResultDocument = JSON.parse(document);
  await db
    .insertInto('results')
    .values({ job: id, attempt, document, size_bytes: Buffer.byteLength(document) })
    .execute();
  const hasRun = started_at !== null && completed_at !== null;
  await db
    .updateTable('jobs')
    .set({
      result: JSON.stringify(outcome),
      error_code: outcome.error?.code ?? null,
      duration_ms: hasRun ? Math.max(0, Date.parse(completed_at) - Date.parse(started_at)) : null,
    })
    .where('id', '=', id)
    .execute();
}
