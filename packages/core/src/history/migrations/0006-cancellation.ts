import type { Kysely } from 'kysely';
import type { ColumnTypes } from '../sql-flavour.ts';

/** Wishes to cancel, the limits that are looked for by time, and what tells attempts of one number apart. */
export async function up(db: Kysely<unknown>, { integer, text }: ColumnTypes): Promise<void> {
  for (const column of ['cancel_requested_at', 'cancel_reason', 'wait_until', 'deadline']) {
    await db.schema.alterTable('jobs').addColumn(column, text).execute();
  }
  await db.schema.alterTable('jobs').addColumn('timeout_seconds', integer).execute();
  await db.schema.alterTable('attempts').addColumn('token', text).execute();
  await db.schema.alterTable('attempts').addColumn('first_sequence', integer).execute();

  await db.schema
    .createIndex('jobs_cancelling')
    .on('jobs')
    .column('id')
    .where('cancel_requested_at' as never, 'is not', null)
    .where('completed_at' as never, 'is', null)
    .execute();
  await db.schema
    .createIndex('jobs_by_wait')
    .on('jobs')
    .column('wait_until')
    .where('wait_until' as never, 'is not', null)
    .where('status' as never, '=', 'pending')
    .execute();
  await db.schema
    .createIndex('jobs_by_deadline')
    .on('jobs')
    .column('deadline')
    .where('deadline' as never, 'is not', null)
    .where('completed_at' as never, 'is', null)
    .execute();
  await db.schema
    .createIndex('jobs_held')
    .on('jobs')
    .column('started_at')
    .where('status' as never, '<>', 'pending')
    .where('completed_at' as never, 'is', null)
    .execute();
}
