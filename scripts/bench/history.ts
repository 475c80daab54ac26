// `npm run bench:history [-- SQLITE_ROWS POSTGRES_ROWS ROUNDS]`: how long a page of jobs takes, for every filter and sort, and how many
// submissions share a transaction. Rows are made by the databases themselves; PostgreSQL is a real one, started for this.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { JobHistory } from '@guestkit/core/history/job-history';
import { JOB_SORT_KEYS, type JobFilter, type JobSort } from '@guestkit/core/history/job-search';
import { PooledPostgresDialect } from '@guestkit/core/history/postgres/dialect';
import { POSTGRES_FLAVOUR } from '@guestkit/core/history/postgres/flavour';
import type { HistorySchema } from '@guestkit/core/history/schema';
import type { SqlFlavour } from '@guestkit/core/history/sql-flavour';
import { openSqlHistory } from '@guestkit/core/history/sql-history';
import { NodeSqliteDialect } from '@guestkit/core/history/sqlite/dialect';
import { SQLITE_FLAVOUR } from '@guestkit/core/history/sqlite/flavour';
import { type Dialect, Kysely } from 'kysely';
import pLimit from 'p-limit';
import { jobDocument } from '../../test/support/job.ts';
import { postgresAbsent, startPostgres } from '../../test/support/postgres-server.ts';
import { median, quantile } from './figures.ts';
import { fillHistory, minuteOfRow, TENANT } from './history/fill.ts';

const [sqliteRows = 1_000_000, postgresRows = 5_000_000, rounds = 3] = process.argv.slice(2).map(Number);
const LIMIT = 100;
const TARGET_MS = 100;
const SUBMITTING_MS = 4_000;
let submitted = 0;
/** SQLite works in this process: what it takes of the processor does not depend on who else is running. */
let isInProcess = false;

if (sqliteRows > 0) await benchSqlite(sqliteRows);
if (postgresRows > 0 && postgresAbsent === undefined) await benchPostgres(postgresRows);

async function benchSqlite(rows: number): Promise<void> {
  isInProcess = true;
  const folder = await mkdtemp(path.join(tmpdir(), 'gk-bench-history-'));
  try {
    await bench('SQLite', {
      dialect: new NodeSqliteDialect(path.join(folder, 'h.sqlite')),
      flavour: SQLITE_FLAVOUR,
      rows,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function benchPostgres(rows: number): Promise<void> {
  isInProcess = false;
  // no more memory than a small server has; submissions wait for the disk
  const settings = { shared_buffers: '1GB', maintenance_work_mem: '512MB', max_wal_size: '4GB', fsync: 'on' };
  await using postgres = await startPostgres({ settings });
  const url = await postgres.newSchema();
  // filling takes long
  const dialect = new PooledPostgresDialect({
    ...{ url, statementTimeoutMs: 3_600_000, answerTimeoutMs: 3_600_000 },
    onError: (error) => process.stderr.write(`${error.message}\n`),
  });
  await bench('PostgreSQL', { dialect, flavour: POSTGRES_FLAVOUR, rows });
}

interface Subject {
  readonly dialect: Dialect;
  readonly flavour: SqlFlavour;
  readonly rows: number;
}

async function bench(name: string, { dialect, flavour, rows }: Subject): Promise<void> {
  let transactions = 0;
  const counting: SqlFlavour = {
    ...flavour,
    transaction: (db, work) => {
      transactions += 1;
      return flavour.transaction(db, work);
    },
  };
  const db = new Kysely<HistorySchema>({ dialect });
  await using history = await openSqlHistory(db, counting);
  const submissions = async (inFlight: number) => {
    transactions = 0;
    const { jobs, seconds } = await submit(history, inFlight);
    return { jobs, rate: jobs / seconds, perTransaction: jobs / transactions };
  };
  const empty = [await submissions(1), await submissions(50)];
  const start = performance.now();
  await fillHistory(db, flavour, rows);
  process.stderr.write(`${name}: ${rows} rows in ${Math.round((performance.now() - start) / 1000)} s\n`);
  printPages(`${name}, ${rows.toLocaleString('en')} rows`, await measurePages(history, rows));
  const full = [await submissions(1), await submissions(50)];
  printSubmissions(name, empty, full);
}

interface Measured {
  readonly filter: string;
  readonly sort: string;
  readonly ms: number;
}

/** The first page of each and the one after it, and the count that the API gives with it. */
async function measurePages(history: JobHistory, rows: number): Promise<readonly Measured[]> {
  const measured: Measured[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, demand] of Object.entries(demandsFor(rows))) {
      const filter: JobFilter = { tenant: TENANT, ...demand };
      measured.push({ filter: name, sort: 'count', ms: await timed(() => history.countSome(filter)) });
      for (const by of JOB_SORT_KEYS) {
        for (const descending of [true, false])
          measured.push(...(await measureSort(history, filter, { name, sort: { by, descending } })));
      }
    }
    measured.push({
      filter: 'counts by state',
      sort: 'count',
      ms: await timed(() => history.countByStatus({ tenant: TENANT })),
    });
  }
  return measured;
}

async function measureSort(
  history: JobHistory,
  filter: JobFilter,
  { name, sort }: { readonly name: string; readonly sort: JobSort },
): Promise<readonly Measured[]> {
  const label = `${sort.by}${sort.descending ? ' ↓' : ' ↑'}`;
  let cursor: string | null = null;
  const read = async () => {
    const page = await history.list(filter, { limit: LIMIT, sort, ...(cursor !== null && { cursor }) });
    cursor = page.nextCursor;
  };
  const first = { filter: name, sort: label, ms: await timed(read) };
  if (cursor === null) return [first];
  return [first, { filter: name, sort: label, ms: await timed(read) }];
}

/** From what lets nearly all through to what lets none through. */
function demandsFor(rows: number): Readonly<Record<string, Omit<JobFilter, 'tenant'>>> {
  const at = (share: number) => minuteOfRow(Math.floor(rows * share));
  return {
    none: {},
    'status: 94 %': { status: ['completed'] },
    'status: 4 %': { status: ['failed'] },
    'status: rare': { status: ['timeout'] },
    'status: waiting and running': { status: ['pending', 'running'] },
    'operation: half': { operation: ['guestkit.inspect'] },
    'operation: rare': { operation: ['guestkit.rare'] },
    'worker: 1 of 50': { worker: ['worker-7'] },
    'pool: 1 of 4': { pool: ['pool-1'] },
    'error code: 1 of 3': { errorCode: ['IO_ERROR'] },
    'label: half': { labels: { tier: 'web' } },
    'label: rare': { labels: { zone: 'rare' } },
    'labels: half, and rare': { labels: { tier: 'web', zone: 'rare' } },
    'payload: 1 of 10': { payload: [{ path: ['size'], value: 3 }] },
    'payload: 1 of 10,000': { payload: [{ path: ['image', 'path'], value: '/srv/images/77.qcow2' }] },
    'payload: no such value': { payload: [{ path: ['image', 'path'], value: '/none' }] },
    'name: half': { name: 'web' },
    'name: one': { name: '0000777' },
    'name: no such text': { name: 'zebra' },
    'submitted: last tenth': { submitted: { since: at(0.9) } },
    'submitted: 1 ‰ in the middle': { submitted: { since: at(0.5), until: at(0.501) } },
    'started: last tenth': { started: { since: at(0.9) } },
    'completed: first tenth': { completed: { until: at(0.1) } },
    'status, label and time': { status: ['failed'], labels: { tier: 'web' }, submitted: { since: at(0.5) } },
  };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const [start, usage] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(usage);
  return isInProcess ? (user + system) / 1000 : performance.now() - start;
}

function printPages(title: string, measured: readonly Measured[]): void {
  const lines = (by: 'filter' | 'sort') =>
    [...Map.groupBy(measured, (row) => row[by])].map(([name, rows]) => {
      const times = rows.map(({ ms }) => ms);
      const worst = rows.reduce((a, b) => (a.ms > b.ms ? a : b));
      const verdict = quantile(times, 0.95) <= TARGET_MS ? 'met' : '**missed**';
      const where = by === 'filter' ? worst.sort : worst.filter;
      return `| ${name} | ${ms(median(times))} | ${ms(quantile(times, 0.95))} | ${ms(worst.ms)} (${where}) | ${verdict} |`;
    });
  const all = measured.map((row) => row.ms);
  process.stdout.write(`
### ${title}: pages of ${LIMIT}, ${isInProcess ? 'processor time' : 'elapsed time'}

p50 ${ms(median(all))}, p95 ${ms(quantile(all, 0.95))} over all; target p95 ≤ ${TARGET_MS} ms for each.

| filter, over all sorts | p50 | p95 | worst | |
|---|---|---|---|---|
${lines('filter').join('\n')}

| sort, over all filters | p50 | p95 | worst | |
|---|---|---|---|---|
${lines('sort').join('\n')}
`);
}

interface Submissions {
  readonly rate: number;
  readonly perTransaction: number;
}

function printSubmissions(name: string, empty: readonly Submissions[], full: readonly Submissions[]): void {
  const row = (
    what: string,
    { rate, perTransaction }: Submissions = { rate: Number.NaN, perTransaction: Number.NaN },
  ) => `| ${what} | ${Math.round(rate).toLocaleString('en')} jobs/s | ${perTransaction.toFixed(1)} |`;
  process.stdout.write(`
### ${name}: submissions

| | rate | jobs in a transaction |
|---|---|---|
${row('empty, 1 in flight', empty[0])}
${row('empty, 50 in flight', empty[1])}
${row('filled, 1 in flight', full[0])}
${row('filled, 50 in flight', full[1])}
`);
}

async function submit(history: JobHistory, inFlight: number) {
  const start = performance.now();
  const limit = pLimit(inFlight);
  let jobs = 0;
  const submitOne = async (): Promise<void> => {
    submitted += 1;
    const document = jobDocument({
      job_id: `job-bench-${submitted}`,
      payload: { type: 'system.echo.v1', data: { n: submitted } },
    });
    await history.accept({ tenant: 'submitting', pool: 'default', document, acceptedAtMs: Date.now() });
    jobs += 1;
  };
  const loop = async () => {
    while (performance.now() - start < SUBMITTING_MS) await submitOne();
  };
  await Promise.all(Array.from({ length: inFlight }, () => limit(loop)));
  return { jobs, seconds: (performance.now() - start) / 1000 };
}

function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}
