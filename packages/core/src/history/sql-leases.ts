import { type Kysely, sql } from 'kysely';
import type { Lease, LeaseRecord } from '../coordination/leases.ts';
import type { HistorySchema } from './schema.ts';
import type { SqlFlavour } from './sql-flavour.ts';

// Leases as rows that run out by the clock of the database. A row stays when its lease ends, so that tokens go on growing.

export interface LeaseDemand {
  readonly name: string;
  readonly holder: string;
  readonly timeToLiveMs: number;
}

export async function acquireLease(
  db: Kysely<HistorySchema>,
  flavour: SqlFlavour,
  { name, holder, timeToLiveMs }: LeaseDemand,
): Promise<Lease | undefined> {
  const row = await flavour.transaction(db, (trx) =>
    trx
      .insertInto('leases')
      .values({ name, holder, token: 1, expires_at: flavour.clock(timeToLiveMs) })
      .onConflict((conflict) =>
        conflict
          .column('name')
          .doUpdateSet((eb) => ({
            holder: eb.ref('excluded.holder'),
            token: eb('leases.token', '+', 1),
            expires_at: eb.ref('excluded.expires_at'),
          }))
          .where('leases.expires_at', '<=', flavour.clock(0)),
      )
      .returning('token')
      .executeTakeFirst(),
  );
  return row && { name, holder, token: row.token };
}

export async function renewLease(
  db: Kysely<HistorySchema>,
  flavour: SqlFlavour,
  lease: Lease,
  timeToLiveMs: number,
): Promise<boolean> {
  let isRenewed = false;
  // a power cut that loses it ends the holder too, or lets others in a little early, which is harmless
  await flavour.withoutWaitingForDisk(db, async (trx) => {
    const { numUpdatedRows } = await setExpiry(trx, flavour, lease, timeToLiveMs);
    isRenewed = numUpdatedRows === 1n;
  });
  return isRenewed;
}

export async function releaseLease(db: Kysely<HistorySchema>, flavour: SqlFlavour, lease: Lease): Promise<void> {
  await flavour.transaction(db, (trx) => setExpiry(trx, flavour, lease, 0));
}

export async function findLease(
  db: Kysely<HistorySchema>,
  flavour: SqlFlavour,
  name: string,
): Promise<LeaseRecord | undefined> {
  const row = await db
    .selectFrom('leases')
    .selectAll()
    .select(sql<number>`case when expires_at <= ${flavour.clock(0)} then 1 else 0 end`.as('has_expired'))
    .where('name', '=', name)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { has_expired, ...lease } = row;
  return { ...lease, expired: has_expired === 1 };
}

function setExpiry(trx: Kysely<HistorySchema>, flavour: SqlFlavour, { name, token }: Lease, timeToLiveMs: number) {
  return trx
    .updateTable('leases')
    .set({ expires_at: flavour.clock(timeToLiveMs) })
    .where('name', '=', name)
    .where('token', '=', token)
    .executeTakeFirst();
}
