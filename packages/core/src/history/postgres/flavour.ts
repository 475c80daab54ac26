import { setTimeout as delay } from 'node:timers/promises';
import { CompiledQuery, type Kysely, type RawBuilder, type SqlBool, sql, type Transaction } from 'kysely';
import { DatabaseError } from 'pg';
import { DatabaseFault } from '../database-fault.ts';
import { likePattern } from '../like-pattern.ts';
import type { HistorySchema } from '../schema.ts';
import { HAS_ENDED } from '../search-conditions.ts';
import type { RowsWork, SqlFlavour, Work } from '../sql-flavour.ts';

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
  isAmong: (column, values) =>
    sql`${sql.ref(column)} = any(${values}::${sql.raw(column === 'job' ? 'bigint' : 'text')}[])`,
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

const SEARCHABLE: readonly string[] = ['labels', 'payload'];
/** Of one statement, so that its text stays within what JavaScript can hold. */
const MAX_PORTION_CHARS = 64 * 1024 * 1024;

/** The rows go as one JSON text; the row type of their table says what each column is. */
async function withRows<Row>(trx: Transaction<HistorySchema>, work: RowsWork): Promise<readonly Row[]> {
  const { table, columns, rows, statement } = work;
  const expressions = columns.map((column) => (SEARCHABLE.includes(column) ? `(${column} #>> '{}')::jsonb` : column));
  const source = `select ${expressions.join(', ')} from json_populate_recordset(null::${table}, $1::json)`;
  const answers: Row[] = [];
  for (const portion of portionsOf(rows)) {
    const text = `with news (${columns.join(', ')}) as (${source}) ${statement}`;
    const { rows: answer } = await trx.executeQuery<Row>(CompiledQuery.raw(text, [storable(portion)]));
    answers.push(...answer);
  }
  return answers;
}

function* portionsOf(rows: readonly object[]): Generator<string> {
  let portion: string[] = [];
  let chars = 0;
  for (const row of rows) {
    const text = JSON.stringify(row);
    if (chars + text.length > MAX_PORTION_CHARS && portion.length > 0) {
      yield `[${portion.join(',')}]`;
      portion = [];
      chars = 0;
    }
    portion.push(text);
    chars += text.length;
  }
  if (portion.length > 0) yield `[${portion.join(',')}]`;
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
