import type { Kysely } from 'kysely';
import type { ColumnTypes } from '../sql-flavour.ts';

/** What one process at a time may do. */
export async function up(db: Kysely<unknown>, { integer, text }: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('leases')
    .addColumn('name', text, (column) => column.primaryKey())
    .addColumn('holder', text, (column) => column.notNull())
    .addColumn('token', integer, (column) => column.notNull())
    .addColumn('expires_at', text, (column) => column.notNull())
    .execute();
}
