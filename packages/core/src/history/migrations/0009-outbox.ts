import { type Kysely, sql } from 'kysely';
import type { ColumnTypes } from '../sql-flavour.ts';

/**
 * What the queue was not yet seen to have, in rows of one number: to note it in the row of a job wrote that anew, with what most indexes
 * say of it.
 */
export async function up(db: Kysely<unknown>, { integer }: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('outbox')
    .addColumn('job', integer, (column) => column.primaryKey())
    .execute();
  await sql`insert into outbox (job) select id from jobs where enqueued_at is null and status = 'pending'`.execute(db);
  await db.schema.dropIndex('jobs_not_enqueued').execute();
  for (const jobs of ['jobs', 'archived_jobs']) await db.schema.alterTable(jobs).dropColumn('enqueued_at').execute();
}
