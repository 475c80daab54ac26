import { PostgresAdapter, PostgresDialect } from 'kysely';
import { createPool, type PoolOptions } from './pool.ts';

/** Kysely over a pool of connections to PostgreSQL. */
export class PooledPostgresDialect extends PostgresDialect {
  constructor(options: PoolOptions) {
    super({ pool: createPool(options) });
  }

  override createAdapter(): PostgresAdapter {
    return new TransactionalAdapter();
  }
}

/** The lock of a migration ends with its transaction: freed any sooner, others would not see what was done under it. */
class TransactionalAdapter extends PostgresAdapter {
  override async acquireMigrationLock(): Promise<void> {}

  override async releaseMigrationLock(): Promise<void> {}
}
