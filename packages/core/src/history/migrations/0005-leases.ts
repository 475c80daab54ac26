import type { Kysely } from 'kysely';
import type { ColumnTypes } from '../sql-flavour.ts';

/** What one process at a time may do, and what the one that compares history with the queue needs. */
export async function up(db: Kysely<unknown>, { integer, text }: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('leases')
    .addColumn('name', text, (column) => column.primaryKey())
    .addColumn('holder', text, (column) => column.notNull())
    .addColumn('token', integer, (column) => column.notNull())
    .addColumn('expires_at', text, (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('queue_epochs')
    .addColumn('name', text, (column) => column.primaryKey())
    .addColumn('epoch', text, (column) => column.notNull())
    .addColumn('count', integer, (column) => column.notNull())
    .execute();
  await db.schema
    .createIndex('jobs_unfinished')
    .on('jobs')
    .columns(['status', 'id'])
    .where('status' as never, 'in', ['running', 'assigned', 'pending'])
    .execute();
}
