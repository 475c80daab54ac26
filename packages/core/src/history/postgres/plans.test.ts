import { CompiledQuery, Kysely, type LogEvent } from 'kysely';
import { expect, test } from 'vitest';
import { jobDocument } from '../../../../../test/support/job.ts';
import { attemptEvents } from '../../../../../test/support/job-events.ts';
import { postgresAbsent, startPostgres } from '../../../../../test/support/postgres-server.ts';
import type { JobHistory } from '../job-history.ts';
import type { HistorySchema } from '../schema.ts';
import { openSqlHistory } from '../sql-history.ts';
import { PooledPostgresDialect } from './dialect.ts';
import { POSTGRES_FLAVOUR } from './flavour.ts';

const JOB_IDS = Array.from({ length: 3_000 }, (_, n) => `job-number-${n}`);
const SOME = JOB_IDS.slice(0, 300);

// A new table has no statistics until the server gets round to it, and may have very many rows by then.
test
  .skipIf(postgresAbsent !== undefined)
  .each<[what: string, start: string, work: (history: JobHistory) => Promise<void>]>([
    [
      'recording',
      'select "id", "tenant"',
      (history) => history.record(SOME.map((job_id) => attemptEvents({ job_id }).assigned())),
    ],
    ['marking', 'delete from "outbox"', (history) => history.markEnqueued('acme', SOME)],
  ])('PostgreSQL looks at no other jobs when it has no statistics: %s', async (_, start, work) => {
  await using postgres = await startPostgres({ settings: { autovacuum: 'off' } });
  const asked: LogEvent['query'][] = [];
  const db = new Kysely<HistorySchema>({
    dialect: new PooledPostgresDialect({ url: await postgres.newSchema(), onError: () => {} }),
    log: ({ query }) => void asked.push(query),
  });
  await using history = await openSqlHistory(db, POSTGRES_FLAVOUR);
  const jobs = JOB_IDS.map((job_id) => ({ document: jobDocument({ job_id }), acceptedAtMs: 0 }));
  await Promise.all(jobs.map((job) => history.accept({ tenant: 'acme', pool: 'default', ...job })));
  asked.length = 0;
  await work(history);
  const query = asked.find(({ sql }) => sql.startsWith(start));
  expect(await planOf(db, query)).not.toMatch(/Rows Removed by Filter|Seq Scan on (jobs|outbox)/);
});

async function planOf(db: Kysely<HistorySchema>, query: LogEvent['query'] | undefined): Promise<string> {
  const text = `explain (analyze, costs off, timing off) ${query?.sql}`;
  const { rows } = await db.executeQuery<{ readonly 'QUERY PLAN': string }>(
    CompiledQuery.raw(text, [...(query?.parameters ?? [])]),
  );
  return rows.map((row) => row['QUERY PLAN']).join('\n');
}
