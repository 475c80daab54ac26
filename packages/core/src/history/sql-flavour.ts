import type { ColumnDataType, Expression, Kysely, RawBuilder, SelectQueryBuilder, SqlBool, Transaction } from 'kysely';
import type { NewJob } from './rows.ts';
import type { HistorySchema, JobRow } from './schema.ts';
import type { SearchTables } from './search-tables.ts';

/** Where the databases differ. */
export interface SqlFlavour {
  readonly columnTypes: ColumnTypes;
  /** Transactions of one process that may write at once to good effect. */
  readonly writers: number;
  /** Whether a column holds a text somewhere; ASCII letters match in either case. */
  contains(column: RawBuilder<unknown>, text: string): RawBuilder<SqlBool>;
  /** A query for the ids of ended jobs that have a text, of three letters or digits at least, in their name. */
  idsByName(tables: SearchTables, tenant: string, text: string): RawBuilder<unknown>;
  /** Lets jobs be found by their names, or no longer. */
  addNames(trx: Transaction<HistorySchema>, tables: SearchTables, ids: readonly number[]): Promise<void>;
  removeNames(trx: Transaction<HistorySchema>, tables: SearchTables, ids: readonly number[]): Promise<void>;
  /** The time of the database some milliseconds from now, in the form of all times. */
  clock(laterByMs: number): RawBuilder<string>;
  /** Does work in a transaction; again, if the database undid it for the sake of another one. */
  transaction<Result>(db: Kysely<HistorySchema>, work: Work<Result>): Promise<Result>;
  /** Does work in a transaction whose loss in a power cut does no harm. */
  withoutWaitingForDisk(db: Kysely<HistorySchema>, work: Work<void>): Promise<void>;
  /** Makes a query of jobs keep its rows from other writers until the transaction ends. */
  hold<Row>(query: JobsQuery<Row>): JobsQuery<Row>;
  /** The same, passing over rows that another writer holds. */
  holdFree<Row>(query: JobsQuery<Row>): JobsQuery<Row>;
  /** That a column has one of many values. */
  isAmong(column: 'job_id' | 'job', values: readonly (string | number)[]): Expression<SqlBool>;
  /** That a column has the id of one of some jobs at hand, whatever the database knows of how many jobs there are. */
  isOfJobs(column: 'id' | 'job', tenant: string, jobIds: readonly string[]): Expression<SqlBool>;
  /** Inserts jobs but for those whose ids others at hand have. What is inserted is in the outbox, and found by its facets. */
  insertJobs(trx: Transaction<HistorySchema>, jobs: readonly NewJob[]): Promise<readonly InsertedJob[]>;
  /** Does something with many rows by a statement whose text does not grow with them, so that nobody has to read it anew each time. */
  withRows<Row = unknown>(trx: Transaction<HistorySchema>, work: RowsWork): Promise<readonly Row[]>;
  /** Keeps other processes from migrating until the transaction ends; answers with the schema of the tables, where there are any. */
  beginMigration(trx: Transaction<HistorySchema>): Promise<string | undefined>;
}

export type Work<Result> = (trx: Transaction<HistorySchema>) => Promise<Result>;
export type JobsQuery<Row> = SelectQueryBuilder<HistorySchema, 'jobs', Row>;

export type InsertedJob = Pick<JobRow, 'id' | 'tenant' | 'job_id'>;

/** Rows to be written; `statement` finds them under the name `news`. */
export interface RowsWork {
  readonly columns: readonly string[];
  readonly rows: readonly object[];
  readonly statement: string;
}

type ColumnType = ColumnDataType | RawBuilder<unknown>;

/** What migrations call the types of columns. */
export interface ColumnTypes {
  /** A primary key that grows with each row. */
  readonly growingKey: ColumnType;
  /** Whole numbers that JavaScript holds exactly. */
  readonly integer: ColumnType;
  /** Ordered by bytes, so that the order of times is theirs. */
  readonly text: ColumnType;
  /** JSON that the database looks into, see searchable-json.ts. */
  readonly searchableJson: ColumnType;
  readonly database: 'sqlite' | 'postgres';
}
