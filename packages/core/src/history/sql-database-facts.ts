import { type Kysely, sql } from 'kysely';
import type { DatabaseFacts } from './database-facts.ts';
import type { HistorySchema } from './schema.ts';
import type { SqlFlavour } from './sql-flavour.ts';

export async function databaseFacts(db: Kysely<HistorySchema>, flavour: SqlFlavour): Promise<DatabaseFacts> {
  const { rows } = await sql<DatabaseFacts>`
    select ${flavour.clock(0)} as time, (select max(name) from kysely_migration) as schema`.execute(db);
  const [facts] = rows;
  if (facts === undefined) throw new Error('Cannot read the facts of the database: it gave no row');
  return facts;
}
