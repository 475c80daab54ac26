import { sql } from 'kysely';
import type { SqlFlavour } from '../sql-flavour.ts';

export const SQLITE_FLAVOUR: SqlFlavour = {
  hasLabel: (name, value) =>
    sql<boolean>`exists (select 1 from json_each(jobs.labels) where key = ${name} and value = ${value})`,
  withoutWaitingForDisk: (db, work) =>
    db.connection().execute(async (connection) => {
      await sql`pragma synchronous = normal`.execute(connection);
      try {
        await connection.transaction().execute(work);
      } finally {
        await sql`pragma synchronous = full`.execute(connection);
      }
    }),
};
