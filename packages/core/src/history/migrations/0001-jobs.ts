import type { Kysely } from 'kysely';
import type { ColumnTypes } from '../sql-flavour.ts';

/** Jobs, their attempts and their events. */
export async function up(
  db: Kysely<unknown>,
  { growingKey, integer, text, searchableJson }: ColumnTypes,
): Promise<void> {
  await db.schema
    .createTable('jobs')
    .addColumn('id', growingKey)
    .addColumn('tenant', text, (column) => column.notNull())
    .addColumn('job_id', text, (column) => column.notNull())
    .addColumn('pool', text, (column) => column.notNull())
    .addColumn('operation', text, (column) => column.notNull())
    .addColumn('name', text)
    .addColumn('labels', searchableJson, (column) => column.notNull())
    .addColumn('priority', integer, (column) => column.notNull())
    .addColumn('status', text, (column) => column.notNull())
    .addColumn('detail', text)
    .addColumn('attempt', integer, (column) => column.notNull())
    .addColumn('worker_id', text)
    .addColumn('document', text, (column) => column.notNull())
    .addColumn('payload', searchableJson, (column) => column.notNull())
    .addColumn('content_hash', text, (column) => column.notNull())
    .addColumn('idempotency_key', text)
    .addColumn('created_at', text, (column) => column.notNull())
    .addColumn('submitted_at', text, (column) => column.notNull())
    .addColumn('enqueued_at', text)
    .addColumn('started_at', text)
    .addColumn('completed_at', text)
    .addColumn('result', text)
    .addColumn('error', text)
    .addColumn('last_sequence', integer, (column) => column.notNull())
    .addUniqueConstraint('jobs_job_id', ['tenant', 'job_id'])
    // rows without a key do not conflict: null equals nothing
    .addUniqueConstraint('jobs_idempotency_key', ['tenant', 'idempotency_key'])
    .execute();
  await db.schema.createIndex('jobs_by_age').on('jobs').columns(['tenant', 'id']).execute();
  await db.schema.createIndex('jobs_by_status').on('jobs').columns(['tenant', 'status', 'id']).execute();
  await db.schema.createIndex('jobs_by_operation').on('jobs').columns(['tenant', 'operation', 'id']).execute();
  await db.schema
    .createIndex('jobs_not_enqueued')
    .on('jobs')
    .columns(['id'])
    .where('enqueued_at' as never, 'is', null)
    // a job that has ended without a mark must not be looked at for ever
    .where('status' as never, '=', 'pending')
    .execute();

  await db.schema
    .createTable('attempts')
    .addColumn('job', integer, (column) => column.notNull().references('jobs.id').onDelete('cascade'))
    .addColumn('attempt', integer, (column) => column.notNull())
    .addColumn('worker_id', text, (column) => column.notNull())
    .addColumn('started_at', text, (column) => column.notNull())
    .addColumn('ended_at', text)
    .addColumn('outcome', text, (column) => column.notNull())
    .addColumn('error', text)
    .addPrimaryKeyConstraint('attempts_key', ['job', 'attempt'])
    .execute();

  await db.schema
    .createTable('events')
    .addColumn('job', integer, (column) => column.notNull().references('jobs.id').onDelete('cascade'))
    .addColumn('sequence', integer, (column) => column.notNull())
    .addColumn('attempt', integer, (column) => column.notNull())
    .addColumn('type', text, (column) => column.notNull())
    .addColumn('timestamp', text, (column) => column.notNull())
    .addColumn('worker_id', text, (column) => column.notNull())
    .addColumn('body', text, (column) => column.notNull())
    .addPrimaryKeyConstraint('events_key', ['job', 'sequence'])
    .execute();
}
