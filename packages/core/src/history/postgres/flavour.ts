import { setTimeout as delay } from 'node:timers/promises';
import { CompiledQuery, type Kysely, type RawBuilder, type SqlBool, sql, type Transaction } from 'kysely';
import { DatabaseError } from 'pg';
import { DatabaseFault } from '../database-fault.ts';
import { likePattern } from '../like-pattern.ts';
import { AT_FIRST, NEW_JOB_COLUMNS, type NewJob } from '../rows.ts';
import type { HistorySchema } from '../schema.ts';
import { HAS_ENDED } from '../search-conditions.ts';
import type { InsertedJob, RowsWork, SqlFlavour, Work } from '../sql-flavour.ts';
import { type Element, type ElementType, toArrayParameter } from './array-parameter.ts';

export const POSTGRES_FLAVOUR: SqlFlavour = {
  writers: 2,
  columnTypes: {
    growingKey: sql`bigint generated always as identity primary key`,
    integer: 'bigint',
    text: sql`text collate "C"`,
    searchableJson: 'jsonb',
    database: 'postgres',
  },
  contains,
  idsByName: ({ jobs }, tenant, text) => sql`
    select jobs.id from ${sql.table(jobs)} as jobs
    where jobs.tenant = ${tenant} and ${HAS_ENDED} and jobs.name is not null and ${contains(sql`jobs.name`, text)}`,
  // an index of the column does it
  addNames: async () => {},
  removeNames: async () => {},
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
  insertJobs,
  isAmong: (column, values) =>
    sql`${sql.ref(column)} = any(${values}::${sql.raw(column === 'job' ? 'bigint' : 'text')}[])`,
  isOfJobs,
  withRows,
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

/** Columns that are not text, of jobs and of what `withRows` is given. */
const TYPES: ReadonlyMap<string, ElementType> = new Map([
  ['labels', 'jsonb'],
  ['payload', 'jsonb'],
  ['priority', 'bigint'],
  ['timeout_seconds', 'bigint'],
  ['id', 'bigint'],
  ['job', 'bigint'],
  ['facet', 'bigint'],
  ['attempt', 'bigint'],
  ['sequence', 'bigint'],
  ['first_sequence', 'bigint'],
  ['last_sequence', 'bigint'],
  ['duration_ms', 'bigint'],
  ['size_bytes', 'bigint'],
]);

const NEW_COLUMNS = NEW_JOB_COLUMNS.join(', ');
const [FACETS, JOBS_OF_FACETS] = [NEW_JOB_COLUMNS.length + 1, NEW_JOB_COLUMNS.length + 2];

/** All that is written of new jobs in one statement: the way there and back costs more than a row. */
const INSERT_JOBS = `
  with news as (select * from unnest(${arraysOf(NEW_JOB_COLUMNS)}) with ordinality as news (${NEW_COLUMNS}, place)),
  inserted as (
    insert into jobs (${NEW_COLUMNS}, status, attempt, last_sequence)
    select ${NEW_COLUMNS}, '${AT_FIRST.status}', ${AT_FIRST.attempt}, ${AT_FIRST.last_sequence} from news order by place
    on conflict do nothing returning id, tenant, job_id
  ),
  boxed as (insert into outbox (job) select id from inserted),
  faceted as (
    insert into facets (facet, job)
    select found.facet, inserted.id
    from unnest($${FACETS}::bigint[], $${JOBS_OF_FACETS}::bigint[]) as found (facet, place)
    join news using (place)
    join inserted on inserted.tenant = news.tenant and inserted.job_id = news.job_id
  )
  select id, tenant, job_id from inserted order by id`;

async function insertJobs(trx: Transaction<HistorySchema>, jobs: readonly NewJob[]): Promise<readonly InsertedJob[]> {
  const inserted: InsertedJob[] = [];
  for (const portion of portionsOf(jobs, ({ row }) => charsOfRow(row))) {
    const columns = columnsOf(
      NEW_JOB_COLUMNS,
      portion.map(({ row }) => row),
    );
    const facets = portion.flatMap((job) => job.facets);
    const places = portion.flatMap((job, at) => job.facets.map(() => at + 1));
    const ofFacets = [facets, places].map((numbers) => toArrayParameter('bigint', numbers));
    const { rows } = await trx.executeQuery<InsertedJob>(CompiledQuery.raw(INSERT_JOBS, [...columns, ...ofFacets]));
    inserted.push(...rows);
  }
  return inserted;
}

/** Of one statement: there is a limit to what JavaScript and PostgreSQL hold in one piece. */
const MAX_PORTION_CHARS = 64 * 1024 * 1024;

async function withRows<Row>(trx: Transaction<HistorySchema>, work: RowsWork): Promise<readonly Row[]> {
  const { columns, rows, statement } = work;
  const names = columns.join(', ');
  const text = `with news (${names}) as (select * from unnest(${arraysOf(columns)})) ${statement}`;
  const answers: Row[] = [];
  for (const portion of portionsOf(rows, charsOfRow)) {
    const { rows: answer } = await trx.executeQuery<Row>(CompiledQuery.raw(text, columnsOf(columns, portion)));
    answers.push(...answer);
  }
  return answers;
}

/** Rows go as one array for each column. */
function arraysOf(columns: readonly string[]): string {
  return columns.map((column, at) => `$${at + 1}::${typeOf(column)}[]`).join(', ');
}

function columnsOf(columns: readonly string[], rows: readonly object[]): Buffer[] {
  return columns.map((column) =>
    toArrayParameter(
      typeOf(column),
      rows.map((row) => storable(row[column as keyof typeof row] ?? null)),
    ),
  );
}

function typeOf(column: string): ElementType {
  return TYPES.get(column) ?? 'text';
}

function charsOfRow(row: object): number {
  return Object.values(row).reduce((chars, value) => chars + (typeof value === 'string' ? value.length : 0), 0);
}

/** Text in PostgreSQL has no U+0000; JSON in text has it as an escape. */
function storable(value: Element): Element {
  return typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value;
}

function* portionsOf<Item>(items: readonly Item[], charsOf: (item: Item) => number): Generator<readonly Item[]> {
  let portion: Item[] = [];
  let chars = 0;
  for (const item of items) {
    const more = charsOf(item);
    if (chars + more > MAX_PORTION_CHARS && portion.length > 0) {
      yield portion;
      portion = [];
      chars = 0;
    }
    portion.push(item);
    chars += more;
  }
  if (portion.length > 0) yield portion;
}

/**
 * Each is looked up by itself, and the column compared with what was found. Among the names of a table without statistics, as every new
 * one is, PostgreSQL would look at all jobs of the tenant.
 */
function isOfJobs(column: 'id' | 'job', tenant: string, jobIds: readonly string[]): RawBuilder<SqlBool> {
  return sql`${sql.ref(column)} = any(array(
    select found.id from unnest(${jobIds}::text[]) as told (job_id)
    cross join lateral (select id from jobs where tenant = ${tenant} and jobs.job_id = told.job_id limit 1) as found
  ))`;
}

function contains(column: RawBuilder<unknown>, text: string): RawBuilder<SqlBool> {
  return sql`${column} ilike ${likePattern(text)} escape '\\'`;
}
