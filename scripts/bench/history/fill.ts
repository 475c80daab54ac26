import { labelFacet, payloadFacet } from '@guestkit/core/history/facets';
import type { HistorySchema } from '@guestkit/core/history/schema';
import type { SqlFlavour } from '@guestkit/core/history/sql-flavour';
import { type Kysely, type RawBuilder, sql } from 'kysely';

export const TENANT = 'bench';

const START = Date.UTC(2026, 0, 1);
const ROWS_AT_A_TIME = 250_000;
const PATHS = 10_000;
const SIZES = 10;
/** The newest jobs have not ended. */
const WAITING = 10_000;
const RUNNING = 500;

type Database = Kysely<HistorySchema>;

/** Each job is submitted a second after the one before it. */
export function minuteOfRow(row: number): string {
  return new Date(START + row * 1000).toISOString();
}

/** Makes rows within the database, without its indexes, which are made anew afterwards. */
export async function fillHistory(db: Database, flavour: SqlFlavour, rows: number): Promise<void> {
  const { database } = flavour.columnTypes;
  const indexes = await dropIndexes(db, database);
  await db.deleteFrom('jobs').execute();
  await db.deleteFrom('facets').execute();
  await makeFacetValues(db);
  for (let from = 1; from <= rows; from += ROWS_AT_A_TIME) {
    const to = Math.min(rows, from + ROWS_AT_A_TIME - 1);
    await db.transaction().execute(async (trx) => {
      await insertJobs(trx, database, { from, to, rows });
      await insertFacets(trx, { from, to });
      if (database === 'sqlite') {
        await sql`insert into job_names (rowid, name) select id, name from jobs where id between ${from} and ${to}`.execute(
          trx,
        );
      }
    });
  }
  if (database === 'postgres') await sql`select setval(pg_get_serial_sequence('jobs', 'id'), ${rows})`.execute(db);
  for (const index of indexes) await sql.raw(index).execute(db);
  await sql.raw(database === 'sqlite' ? 'analyze' : 'vacuum analyze').execute(db);
}

async function dropIndexes(db: Database, database: 'sqlite' | 'postgres'): Promise<readonly string[]> {
  const list =
    database === 'sqlite'
      ? sql<{
          name: string;
          text: string;
        }>`select name, sql as text from sqlite_master where type = 'index' and tbl_name = 'jobs' and sql is not null`
      : sql<{ name: string; text: string }>`
          select indexname as name, indexdef as text from pg_indexes
          where schemaname = current_schema() and tablename = 'jobs' and indexname like 'jobs\\_by\\_%'`;
  const { rows } = await list.execute(db);
  for (const { name } of rows) await sql`drop index ${sql.ref(name)}`.execute(db);
  return rows.map(({ text }) => text);
}

interface Range {
  readonly from: number;
  readonly to: number;
}

function numbers({ from, to }: Range): RawBuilder<unknown> {
  return sql`with recursive numbers(n) as (select cast(${sql.lit(from)} as bigint) union all select n + 1 from numbers where n < ${sql.lit(to)})`;
}

/** Spreads over what is asked for without an order that another column has. */
function mixed(factor: number, modulus: number): RawBuilder<unknown> {
  return sql`(n * ${sql.lit(factor)} % 1000003 % ${sql.lit(modulus)})`;
}

async function insertJobs(
  db: Database,
  database: 'sqlite' | 'postgres',
  { from, to, rows }: Range & { readonly rows: number },
): Promise<void> {
  const isSqlite = database === 'sqlite';
  const timeAfter = (ms: RawBuilder<unknown>) =>
    isSqlite
      ? sql`strftime('%Y-%m-%dT%H:%M:%fZ', (${sql.lit(START / 1000)} + n + ${ms} / 1000.0), 'unixepoch')`
      : sql`to_char(to_timestamp(${sql.lit(START / 1000)} + n + ${ms} / 1000.0) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
  const json = (text: RawBuilder<unknown>) => (isSqlite ? text : sql`(${text})::jsonb`);
  const text = (number: RawBuilder<unknown>) => sql`cast(${number} as text)`;
  const running = sql.lit(rows - WAITING);
  const ended = sql.lit(rows - WAITING - RUNNING);
  const waitMs = sql`(500 + ${mixed(7919, 60_000)})`;
  const runMs = sql`(100 + ${mixed(104_729, 90_000)})`;
  const status = sql`case when n > ${running} then 'pending' when n > ${ended} then 'running'
    when ${mixed(31, 1000)} < 940 then 'completed' when ${mixed(31, 1000)} < 980 then 'failed'
    when ${mixed(31, 1000)} < 999 then 'cancelled' else 'timeout' end`;
  const hasFailed = sql`n <= ${ended} and ${mixed(31, 1000)} >= 940`;
  const values: Readonly<Record<string, RawBuilder<unknown>>> = {
    id: sql`n`,
    tenant: sql`${sql.lit(TENANT)}`,
    job_id: sql`'job-' || ${text(sql`n`)}`,
    pool: sql`'pool-' || ${text(mixed(17, 4))}`,
    operation: sql`case when ${mixed(13, 5000)} = 0 then 'guestkit.rare' when ${mixed(13, 2)} = 0 then 'guestkit.inspect' else 'system.echo' end`,
    name: sql`case when ${mixed(11, 2)} = 0 then 'nightly web ' else 'hourly db ' end || substr(${text(sql`10000000 + n`)}, 2)`,
    labels: json(sql`'{"tier":"web"}'`),
    priority: sql`1 + ${mixed(19, 10)}`,
    status,
    attempt: sql`case when n > ${running} then 0 else 1 end`,
    worker_id: sql`case when n <= ${running} then 'worker-' || ${text(mixed(23, 50))} end`,
    document: sql`'{"version":"1.0","job_id":"job-' || ${text(sql`n`)} || '","created_at":"2026-01-01T00:00:00Z","kind":"VMOperation","operation":"system.echo","metadata":{"name":"nightly","labels":{"tier":"web"}},"execution":{"priority":5},"payload":null}'`,
    payload: json(
      sql`'{"type":"system.echo.v1","data":{"size":' || ${text(mixed(29, SIZES))} || ',"image":{"path":"/srv/images/' || ${text(mixed(37, PATHS))} || '.qcow2"}}}'`,
    ),
    content_hash: sql`'hash'`,
    created_at: timeAfter(sql`0`),
    submitted_at: timeAfter(sql`0`),
    started_at: sql`case when n <= ${running} then ${timeAfter(waitMs)} end`,
    completed_at: sql`case when n <= ${ended} then ${timeAfter(sql`(${waitMs} + ${runMs})`)} end`,
    duration_ms: sql`case when n <= ${ended} then ${runMs} end`,
    error: sql`case when ${hasFailed} then '{"code":"IO_ERROR","message":"bad","recoverable":false,"retry_recommended":false}' end`,
    error_code: sql`case when ${hasFailed} then case ${mixed(41, 3)} when 0 then 'IO_ERROR' when 1 then 'TIMEOUT' else 'IMAGE_CORRUPT' end end`,
    last_sequence: sql`3`,
  };
  const columns = sql.join(Object.keys(values).map((name) => sql.ref(name)));
  const overriding = isSqlite ? sql`` : sql`overriding system value`;
  const source = sql`${numbers({ from, to })} select ${sql.join(Object.values(values))} from numbers`;
  await sql`insert into jobs (${columns}) ${overriding} ${source}`.execute(db);
}

async function makeFacetValues(db: Database): Promise<void> {
  await sql`create table facet_values (kind text, value bigint, facet bigint)`.execute(db);
  const values = [
    ['web', 0, labelFacet(TENANT, 'tier', 'web')],
    ['web', 1, labelFacet(TENANT, 'tier', 'db')],
    ['rare', 0, labelFacet(TENANT, 'zone', 'rare')],
    ...Array.from({ length: SIZES }, (_, size) => ['size', size, payloadFacet(TENANT, ['size'], size)] as const),
    ...Array.from({ length: PATHS }, (_, number) => {
      return ['path', number, payloadFacet(TENANT, ['image', 'path'], `/srv/images/${number}.qcow2`)] as const;
    }),
  ] as const;
  for (let from = 0; from < values.length; from += 1000) {
    const part = values
      .slice(from, from + 1000)
      .map(([kind, value, facet]) => sql`(${kind}, cast(${value} as bigint), cast(${facet} as bigint))`);
    await sql`insert into facet_values values ${sql.join(part)}`.execute(db);
  }
  await sql`create index facet_values_key on facet_values (kind, value)`.execute(db);
}

async function insertFacets(db: Database, range: Range): Promise<void> {
  const kinds = { web: mixed(43, 2), rare: mixed(47, 5000), size: mixed(29, SIZES), path: mixed(37, PATHS) };
  for (const [kind, value] of Object.entries(kinds)) {
    // in the order of the index, which is what takes the time
    await sql`
      insert into facets (facet, job)
      ${numbers(range)} select facet, n from (
        select n, (select facet from facet_values where kind = ${sql.lit(kind)} and value = ${value}) as facet from numbers
      ) as found where facet is not null
      order by facet, n`.execute(db);
  }
}
