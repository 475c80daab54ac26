import type { Kysely } from 'kysely';
import type { ColumnTypes } from '../sql-flavour.ts';

/** What is done to many jobs, and who did it. */
export async function up(db: Kysely<unknown>, { growingKey, integer, text }: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('bulk_operations')
    .addColumn('id', growingKey)
    .addColumn('tenant', text, (column) => column.notNull())
    .addColumn('bulk_id', text, (column) => column.notNull())
    .addColumn('verb', text, (column) => column.notNull())
    .addColumn('filter', text, (column) => column.notNull())
    .addColumn('requested_by', text, (column) => column.notNull())
    .addColumn('request_id', text, (column) => column.notNull())
    .addColumn('state', text, (column) => column.notNull())
    .addColumn('cursor', text, (column) => column.notNull())
    .addColumn('batch', text)
    .addColumn('total', integer, (column) => column.notNull())
    .addColumn('matched', integer, (column) => column.notNull())
    .addColumn('changed', integer, (column) => column.notNull())
    .addColumn('skipped', integer, (column) => column.notNull())
    .addColumn('failed', integer, (column) => column.notNull())
    .addColumn('error', text)
    .addColumn('created_at', text, (column) => column.notNull())
    .addColumn('started_at', text)
    .addColumn('finished_at', text)
    .addUniqueConstraint('bulk_operations_id', ['tenant', 'bulk_id'])
    .execute();
  await db.schema.createIndex('bulk_operations_by_state').on('bulk_operations').columns(['state', 'id']).execute();
  await db.schema
    .createTable('audit')
    .addColumn('id', growingKey)
    .addColumn('tenant', text, (column) => column.notNull())
    .addColumn('time', text, (column) => column.notNull())
    .addColumn('who', text, (column) => column.notNull())
    .addColumn('request_id', text, (column) => column.notNull())
    .addColumn('verb', text, (column) => column.notNull())
    .addColumn('target', text, (column) => column.notNull())
    .addColumn('counts', text, (column) => column.notNull())
    .execute();
  await db.schema.createIndex('audit_by_age').on('audit').columns(['tenant', 'id']).execute();
}
