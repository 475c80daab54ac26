import type { Expression, Kysely, SqlBool, Transaction } from 'kysely';
import type { HistorySchema } from './schema.ts';

/** Where the databases differ. */
export interface SqlFlavour {
  /** Whether a row of `jobs` has a label; name and value are bound, never part of the text. */
  hasLabel(name: string, value: string): Expression<SqlBool>;
  /** Does work in a transaction whose loss in a power cut does no harm. */
  withoutWaitingForDisk(
    db: Kysely<HistorySchema>,
    work: (trx: Transaction<HistorySchema>) => Promise<void>,
  ): Promise<void>;
}
