import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Kysely, sql } from 'kysely';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { jobDocument } from '../../../../../test/support/job.ts';
import { postgresAbsent, startPostgres } from '../../../../../test/support/postgres-server.ts';
import { PooledPostgresDialect } from '../postgres/dialect.ts';
import { POSTGRES_FLAVOUR } from '../postgres/flavour.ts';
import { toJobRow } from '../rows.ts';
import type { HistorySchema } from '../schema.ts';
import type { SqlFlavour } from '../sql-flavour.ts';
import { openSqlHistory } from '../sql-history.ts';
import { NodeSqliteDialect } from '../sqlite/dialect.ts';
import { SQLITE_FLAVOUR } from '../sqlite/flavour.ts';
import { migrateToLatest } from './migrate.ts';

interface Database {
  readonly db: Kysely<HistorySchema>;
  readonly flavour: SqlFlavour;
}

const postgres = postgresAbsent === undefined ? await startPostgres() : undefined;
afterAll(() => postgres?.[Symbol.asyncDispose]());

describe.for([
  { name: 'SQLite', absent: undefined, create: createSqlite },
  { name: 'PostgreSQL', absent: postgresAbsent, create: createPostgres },
])('the outbox of an older database in $name', ({ absent, create }) => {
  if (absent) {
    test.skip(absent);
    return;
  }

  test('still has the jobs that wait for the queue, and no others', async () => {
    const { db, flavour } = await create();
    await migrateToLatest(db, flavour, { newest: '0008-bulk' });
    for (const job_id of ['job-waits-1', 'job-noted-1', 'job-ended-1']) {
      const document = jobDocument({ job_id });
      await db
        .insertInto('jobs')
        .values(toJobRow({ tenant: 'acme', pool: 'p', document, acceptedAtMs: 0 }))
        .execute();
    }
    await sql`update jobs set enqueued_at = '1970-01-01T00:00:00.000Z' where job_id = 'job-noted-1'`.execute(db);
    await sql`update jobs set status = 'completed' where job_id = 'job-ended-1'`.execute(db);
    await using history = await openSqlHistory(db, flavour);
    const waiting = await history.notEnqueued(1, 10);
    expect(waiting.map(({ document }) => document.job_id)).toEqual(['job-waits-1']);
    expect(await history.countNotEnqueued(10)).toBe(1);
    await history.markEnqueued('acme', ['job-waits-1']);
    expect(await history.countNotEnqueued(10)).toBe(0);
  });
});

async function createSqlite(): Promise<Database> {
  const folder = await mkdtemp(path.join(tmpdir(), 'gk-outbox-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return {
    db: new Kysely({ dialect: new NodeSqliteDialect(path.join(folder, 'history.sqlite')) }),
    flavour: SQLITE_FLAVOUR,
  };
}

async function createPostgres(): Promise<Database> {
  const url = (await postgres?.newSchema()) ?? '';
  return {
    db: new Kysely({ dialect: new PooledPostgresDialect({ url, onError: () => {} }) }),
    flavour: POSTGRES_FLAVOUR,
  };
}
