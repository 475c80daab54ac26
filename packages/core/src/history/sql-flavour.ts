import type { Expression, Kysely, SqlBool } from 'kysely';
import type { HistorySchema } from './schema.ts';

/** Where the databases differ. */
export interface SqlFlavour {
  /** Whether a row of `jobs` has a label; name and value are bound, never part of the text. */
  hasLabel(name: string, value: string): Expression<SqlBool>;
  /** Does work whose loss in a power cut does no harm. */
  withoutWaitingForDisk(
    db: Kysely<HistorySchema>,
    work: (connection: Kysely<HistorySchema>) => Promise<void>,
  ): Promise<void>;
}
