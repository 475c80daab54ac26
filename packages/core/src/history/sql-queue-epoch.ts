import type { Kysely } from 'kysely';
import type { QueueEpoch } from '../coordination/queue-epoch.ts';
import type { HistorySchema } from './schema.ts';
import type { SqlFlavour } from './sql-flavour.ts';

/** One history has one queue. */
const NAME = 'queue';

export async function queueEpoch(db: Kysely<HistorySchema>): Promise<QueueEpoch | undefined> {
  const row = await db
    .selectFrom('queue_epochs')
    .select(['epoch as id', 'count'])
    .where('name', '=', NAME)
    .executeTakeFirst();
  return row;
}

export async function rememberQueueEpoch(
  db: Kysely<HistorySchema>,
  flavour: SqlFlavour,
  { id, count }: QueueEpoch,
): Promise<void> {
  // a count that is lost in a power cut is lower than that of the queue, which is as it should be
  await flavour.withoutWaitingForDisk(db, async (trx) => {
    await trx
      .insertInto('queue_epochs')
      .values({ name: NAME, epoch: id, count })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ epoch: id, count }))
      .execute();
  });
}
