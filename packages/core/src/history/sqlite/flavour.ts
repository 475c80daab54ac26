import { CompiledQuery, sql, type Transaction } from 'kysely';
import type { HistorySchema } from '../schema.ts';
import { toSearchableText } from '../searchable-json.ts';
import type { RowsWork, SqlFlavour } from '../sql-flavour.ts';

/** A transaction has the whole database from its beginning: nothing in it needs holding, and nothing undoes it. */
export const SQLITE_FLAVOUR: SqlFlavour = {
  columnTypes: {
    growingKey: sql`integer primary key autoincrement`,
    integer: 'integer',
    text: 'text',
    searchableJson: 'text',
    canDropConstraints: false,
  },
  hasLabel: (name, value) =>
    sql<boolean>`exists (
      select 1 from json_each(jobs.labels) where key = ${toSearchableText(name)} and value = ${toSearchableText(value)}
    )`,
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
  isAmong: (column, values) => sql`${sql.ref(column)} in (select value from json_each(${JSON.stringify(values)}))`,
  withRows,
  hold: (query) => query,
  holdFree: (query) => query,
  beginMigration: async () => undefined,
};

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
