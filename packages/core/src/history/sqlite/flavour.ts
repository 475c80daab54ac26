import { CompiledQuery, type SqlBool, sql, type Transaction } from 'kysely';
import { likePattern } from '../like-pattern.ts';
import { AT_FIRST, NEW_JOB_COLUMNS, type NewJob, nameOfJob } from '../rows.ts';
import type { HistorySchema } from '../schema.ts';
import type { InsertedJob, RowsWork, SqlFlavour } from '../sql-flavour.ts';

/** A transaction has the whole database from its beginning: nothing in it needs holding, and nothing undoes it. */
export const SQLITE_FLAVOUR: SqlFlavour = {
  writers: 1,
  columnTypes: {
    growingKey: sql`integer primary key autoincrement`,
    integer: 'integer',
    text: 'text',
    searchableJson: 'text',
    database: 'sqlite',
  },
  contains: (column, text) => sql<SqlBool>`${column} like ${likePattern(text)} escape '\\'`,
  // the tenant is tested with the rows
  idsByName: ({ names }, _tenant, text) =>
    sql`select rowid as id from ${sql.table(names)} where ${sql.table(names)} match ${trigramsOf(text)}`,
  async addNames(trx, { jobs, names }, ids) {
    await sql`insert into ${sql.table(names)} (rowid, name) select id, name from ${sql.table(jobs)}
      where id in (${sql.join(ids)}) and name is not null`.execute(trx);
  },
  async removeNames(trx, { names }, ids) {
    await sql`delete from ${sql.table(names)} where rowid in (${sql.join(ids)})`.execute(trx);
  },
  clock: (laterByMs) => sql<string>`strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ${`${laterByMs / 1000} seconds`})`,
  transaction: (db, work) => db.transaction().execute(work),
  withoutWaitingForDisk: (db, work) =>
    db.connection().execute(async (connection) => {
      await sql`pragma synchronous = normal`.execute(connection);
      try {
        await connection.transaction().execute(work);
      } finally {
        await sql`pragma synchronous = full`.execute(connection);
      }
    }),
  insertJobs,
  isAmong: (column, values) => sql`${sql.ref(column)} in (select value from json_each(${JSON.stringify(values)}))`,
  isOfJobs: (column, tenant, jobIds) =>
    sql`${sql.ref(column)} in (
      select id from jobs where tenant = ${tenant} and job_id in (select value from json_each(${JSON.stringify(jobIds)}))
    )`,
  withRows,
  hold: (query) => query,
  holdFree: (query) => query,
  beginMigration: async () => undefined,
};

const NEW_COLUMNS = NEW_JOB_COLUMNS.join(', ');
const INSERT_JOBS = `
  insert into jobs (${NEW_COLUMNS}, status, attempt, last_sequence)
  select ${NEW_COLUMNS}, '${AT_FIRST.status}', ${AT_FIRST.attempt}, ${AT_FIRST.last_sequence} from news where true
  on conflict do nothing returning id, tenant, job_id`;

const FILL_OUTBOX = 'insert into outbox (job) select value from json_each(?)';
const INSERT_FACETS = 'insert into facets (facet, job) select value ->> 0, value ->> 1 from json_each(?)';

async function insertJobs(trx: Transaction<HistorySchema>, jobs: readonly NewJob[]): Promise<readonly InsertedJob[]> {
  const rows = jobs.map(({ row }) => row);
  const inserted = await withRows<InsertedJob>(trx, {
    ...{ columns: NEW_JOB_COLUMNS, rows, statement: INSERT_JOBS },
  });
  if (inserted.length === 0) return inserted;
  const ids = inserted.map(({ id }) => id);
  await trx.executeQuery(CompiledQuery.raw(FILL_OUTBOX, [JSON.stringify(ids)]));
  await trx.executeQuery(CompiledQuery.raw(INSERT_FACETS, [JSON.stringify(facetPairs(jobs, inserted))]));
  return inserted;
}

function facetPairs(jobs: readonly NewJob[], inserted: readonly InsertedJob[]): readonly (readonly number[])[] {
  const ids = new Map(inserted.map((job) => [nameOfJob(job), job.id]));
  return jobs.flatMap(({ row, facets }) => {
    const id = ids.get(nameOfJob(row));
    return id === undefined ? [] : facets.map((facet) => [facet, id]);
  });
}

/** Few enough that SQLite binds all values of them, at most 32,766. */
const MAX_ROWS = 64;

/** In portions of 64, 32, 16 … rows: so few texts are all prepared soon, and stay so. */
async function withRows<Row>(trx: Transaction<HistorySchema>, work: RowsWork): Promise<readonly Row[]> {
  const { columns, rows, statement } = work;
  const answers: Row[] = [];
  for (let at = 0; at < rows.length; ) {
    const count = Math.min(MAX_ROWS, 2 ** Math.floor(Math.log2(rows.length - at)));
    const part = rows.slice(at, at + count);
    const values = part.flatMap((row) => columns.map((column) => row[column as keyof typeof row]));
    const { rows: answer } = await trx.executeQuery<Row>(CompiledQuery.raw(textOf(columns, count, statement), values));
    answers.push(...answer);
    at += count;
  }
  return answers;
}

const texts = new Map<string, string>();

function textOf(columns: readonly string[], count: number, statement: string): string {
  const key = `${count} ${statement}`;
  const known = texts.get(key);
  if (known !== undefined) return known;
  const row = `(${columns.map(() => '?').join(', ')})`;
  const text = `with news (${columns.join(', ')}) as (values ${Array(count).fill(row).join(', ')}) ${statement}`;
  texts.set(key, text);
  return text;
}

/** The index holds groups of three characters and not their places: each must be there, and the test of the row sees to the rest. */
function trigramsOf(text: string): string {
  const characters = [...text];
  const groups = characters.slice(2).map((_, index) => characters.slice(index, index + 3).join(''));
  return groups.map((group) => `"${group.replaceAll('"', '""')}"`).join(' AND ');
}
