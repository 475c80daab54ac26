import { setTimeout as delay } from 'node:timers/promises';
import { type Kysely, sql } from 'kysely';
import { DatabaseError } from 'pg';
import { DatabaseFault } from '../database-fault.ts';
import type { HistorySchema } from '../schema.ts';
import { toSearchableJson } from '../searchable-json.ts';
import type { SqlFlavour, Work } from '../sql-flavour.ts';

export const POSTGRES_FLAVOUR: SqlFlavour = {
  columnTypes: {
    growingKey: sql`bigint generated always as identity primary key`,
    integer: 'bigint',
    text: sql`text collate "C"`,
    searchableJson: 'jsonb',
    canDropConstraints: true,
  },
  hasLabel: (name, value) => sql<boolean>`jobs.labels @> ${toSearchableJson({ [name]: value })}::jsonb`,
  clock: (laterByMs) =>
    sql<string>`to_char(
      clock_timestamp() at time zone 'UTC' + ${laterByMs} * interval '1 millisecond', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'
    )`,
  transaction,
  withoutWaitingForDisk: (db, work) =>
    transaction(db, async (trx) => {
      await sql`set local synchronous_commit = off`.execute(trx);
      await work(trx);
    }),
  hold: (query) => query.forUpdate(),
  holdFree: (query) => query.forUpdate().skipLocked(),
  async beginMigration(trx) {
    // others wait for the lock, and a migration may take long
    await sql`set local statement_timeout = 0`.execute(trx);
    await sql`select pg_advisory_xact_lock(hashtextextended('guestkit history', 0))`.execute(trx);
    const { rows } = await sql<{ schema: string | null }>`select current_schema() as schema`.execute(trx);
    const schema = rows[0]?.schema;
    if (!schema) throw new Error('no schema of the search path exists, expected one to make tables in');
    return schema;
  },
};

/** Of two transactions that wait for each other, the database undoes one. */
const UNDONE_STATES: readonly unknown[] = ['40001', '40P01'];
const MAX_TRIES = 8;
const PAUSE_MS = 20;

async function transaction<Result>(db: Kysely<HistorySchema>, work: Work<Result>): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await db.transaction().execute(work);
    } catch (cause) {
      if (!(cause instanceof DatabaseError && UNDONE_STATES.includes(cause.code))) throw cause;
      if (tries === MAX_TRIES) {
        throw new DatabaseFault(`Cannot write to the database: undone ${MAX_TRIES} times for other writers`, { cause });
      }
    }
    // not all at the same time again
    await delay(Math.random() * PAUSE_MS * tries);
  }
}
