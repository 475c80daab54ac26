import type { Kysely } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import * as jobs from './0001-jobs.ts';

/** In order, never changed once released: a mistake is mended by another one. */
const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-jobs': jobs,
};

/** Brings the tables to the newest form; several processes may do so at once. */
export async function migrateToLatest<Schema>(db: Kysely<Schema>): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const migrator = new Migrator({ db: trx, provider: { getMigrations: async () => MIGRATIONS } });
    const { error } = await migrator.migrateToLatest();
    // thrown, so that the transaction is undone
    if (error !== undefined) throw new Error(`Cannot migrate the job history: ${messageOf(error)}`, { cause: error });
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
