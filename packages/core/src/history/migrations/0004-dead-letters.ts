import type { Kysely } from 'kysely';
import type { ColumnTypes } from '../sql-flavour.ts';

/** Jobs that failed for good. A letter stays when its job is archived. */
export async function up(db: Kysely<unknown>, { growingKey, integer, text }: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('dead_letters')
    .addColumn('id', growingKey)
    .addColumn('tenant', text, (column) => column.notNull())
    .addColumn('job_id', text, (column) => column.notNull())
    .addColumn('operation', text, (column) => column.notNull())
    .addColumn('pool', text, (column) => column.notNull())
    .addColumn('name', text)
    .addColumn('labels', text, (column) => column.notNull())
    .addColumn('status', text, (column) => column.notNull())
    .addColumn('class', text, (column) => column.notNull())
    .addColumn('because', text, (column) => column.notNull())
    .addColumn('error_code', text)
    .addColumn('error', text)
    .addColumn('attempts', integer, (column) => column.notNull())
    .addColumn('died_at', text, (column) => column.notNull())
    .addColumn('requeued_as', text)
    .addColumn('requeued_at', text)
    .addUniqueConstraint('dead_letters_job_id', ['tenant', 'job_id'])
    .execute();
  await db.schema.createIndex('dead_letters_by_age').on('dead_letters').columns(['tenant', 'id']).execute();
  await db.schema
    .createIndex('dead_letters_open')
    .on('dead_letters')
    .columns(['tenant', 'class', 'id'])
    .where('requeued_as' as never, 'is', null)
    .execute();
}
