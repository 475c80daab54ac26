import { setTimeout as delay } from 'node:timers/promises';
import { CompiledQuery, type Kysely, type RawBuilder, type SqlBool, sql, type Transaction } from 'kysely';
import { DatabaseError } from 'pg';
import { DatabaseFault } from '../database-fault.ts';
import { likePattern } from '../like-pattern.ts';
import { AT_FIRST, NEW_JOB_COLUMNS, type NewJob } from '../rows.ts';
import type { HistorySchema } from '../schema.ts';
import { HAS_ENDED } from '../search-conditions.ts';
import type { InsertedJob, RowsWork, SqlFlavour, Work } from '../sql-flavour.ts';

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

const NEW_COLUMNS = NEW_JOB_COLUMNS.join(', ');
/** Types of the columns that are not text. */
const TYPES: Partial<Record<(typeof NEW_JOB_COLUMNS)[number], string>> = {
  labels: 'jsonb',
  payload: 'jsonb',
  priority: 'bigint',
  timeout_seconds: 'bigint',
};
const ARRAYS = NEW_JOB_COLUMNS.map((column, at) => `$${at + 1}::${TYPES[column] ?? 'text'}[]`).join(', ');
const [FACETS, JOBS_OF_FACETS] = [NEW_JOB_COLUMNS.length + 1, NEW_JOB_COLUMNS.length + 2];

/** All that is written of new jobs in one statement: the way there and back costs more than a row. */
const INSERT_JOBS = `
  with news as (select * from unnest(${ARRAYS}) with ordinality as news (${NEW_COLUMNS}, place)),
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
  for (const portion of portionsOf(jobs, ({ row }) => row.document.length + row.payload.length)) {
    const columns = NEW_JOB_COLUMNS.map((column) => portion.map(({ row }) => storedText(row[column])));
    const facets = portion.flatMap((job) => job.facets);
    const places = portion.flatMap((job, at) => job.facets.map(() => at + 1));
    const { rows } = await trx.executeQuery<InsertedJob>(CompiledQuery.raw(INSERT_JOBS, [...columns, facets, places]));
    inserted.push(...rows);
  }
  return inserted;
}

/** Text in PostgreSQL has neither U+0000 nor half of a surrogate pair; JSON in text has both as escapes. */
function storedText(value: string | number | null): string | number | null {
  if (typeof value !== 'string' || (value.isWellFormed() && !value.includes('\0'))) return value;
  return value.toWellFormed().replaceAll('\0', '\uFFFD');
}

/** Of the columns that `withRows` is given; the others are text. */
const INTEGERS: ReadonlySet<string> = new Set([
  'id',
  'job',
  'facet',
  'attempt',
  'sequence',
  'first_sequence',
  'last_sequence',
  'duration_ms',
  'size_bytes',
]);
/** Of one statement, so that its text stays within what JavaScript can hold. */
const MAX_PORTION_CHARS = 64 * 1024 * 1024;

/** The rows go as one JSON text, of which nothing but their columns is read. */
async function withRows<Row>(trx: Transaction<HistorySchema>, work: RowsWork): Promise<readonly Row[]> {
  const { columns, rows, statement } = work;
  const types = columns.map((column) => `${column} ${INTEGERS.has(column) ? 'bigint' : 'text'}`);
  const source = `select ${columns.join(', ')} from json_to_recordset($1::json) as given (${types.join(', ')})`;
  const answers: Row[] = [];
  for (const portion of portionsOf(
    rows.map((row) => JSON.stringify(row)),
    ({ length }) => length,
  )) {
    const text = `with news (${columns.join(', ')}) as (${source}) ${statement}`;
    const { rows: answer } = await trx.executeQuery<Row>(CompiledQuery.raw(text, [storable(`[${portion.join(',')}]`)]));
    answers.push(...answer);
  }
  return answers;
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

const UNSTORABLE = /\\u(?:0000|d[89a-f][0-9a-f]{2})/;
/** Other escapes are taken whole, so that `\\\\u0000` is not mistaken. */
const UNSTORABLE_OR_ESCAPE = /\\u(?:0000|d[89a-f][0-9a-f]{2})|\\./g;

/** Text in PostgreSQL has neither U+0000 nor half of a surrogate pair. JSON in text, which has the truth, writes them as escapes. */
function storable(json: string): string {
  if (!UNSTORABLE.test(json)) return json;
  return json.replace(UNSTORABLE_OR_ESCAPE, (match) => (UNSTORABLE.test(match) ? '\uFFFD' : match));
}

function contains(column: RawBuilder<unknown>, text: string): RawBuilder<SqlBool> {
  return sql`${column} ilike ${likePattern(text)} escape '\\'`;
}
