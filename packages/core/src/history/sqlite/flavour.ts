import { sql } from 'kysely';
import { toSearchableText } from '../searchable-json.ts';
import type { SqlFlavour } from '../sql-flavour.ts';

/** A transaction has the whole database from its beginning: nothing in it needs holding, and nothing undoes it. */
export const SQLITE_FLAVOUR: SqlFlavour = {
  columnTypes: {
    growingKey: sql`integer primary key autoincrement`,
    integer: 'integer',
    text: 'text',
    searchableJson: 'text',
    canDropConstraints: false,
  },
  hasLabel: (name, value) =>
    sql<boolean>`exists (
      select 1 from json_each(jobs.labels) where key = ${toSearchableText(name)} and value = ${toSearchableText(value)}
    )`,
  clock: (laterByMs) => sql<string>`strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ${`${laterByMs / 1000} seconds`})`,
  transaction: (db, work) => db.transaction().execute(work),
  withoutWaitingForDisk: (db, work) =>
    db.connection().execute(async (connection) => {
      await sql`pragma synchronous = normal`.execute(connection);
      try {
        await connection.transaction().execute(work);
      } finally {
        await sql`pragma synchronous = full`.execute(connection);
      }
    }),
  hold: (query) => query,
  holdFree: (query) => query,
  beginMigration: async () => undefined,
};
