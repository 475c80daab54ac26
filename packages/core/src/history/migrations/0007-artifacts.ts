import type { Kysely } from 'kysely';
import type { ColumnTypes } from '../sql-flavour.ts';

/** What the artifact store holds of which job. */
export async function up(db: Kysely<unknown>, { integer, text }: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('artifacts')
    .addColumn('tenant', text, (column) => column.notNull())
    // not a reference to a row: an archived job has another one
    .addColumn('job_id', text, (column) => column.notNull())
    .addColumn('attempt', integer, (column) => column.notNull())
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('key', text, (column) => column.notNull().unique())
    .addColumn('size_bytes', integer, (column) => column.notNull())
    .addColumn('sha256', text, (column) => column.notNull())
    .addColumn('media_type', text, (column) => column.notNull())
    .addColumn('encoding', text, (column) => column.notNull())
    .addColumn('created_at', text, (column) => column.notNull())
    .addPrimaryKeyConstraint('artifacts_key', ['tenant', 'job_id', 'attempt', 'name'])
    .execute();
}
