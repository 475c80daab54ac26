import { type Kysely, sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import type { HistorySchema } from '../schema.ts';
import { bareDatabases } from '../testing/bare-databases.ts';
import { migrateToLatest } from './migrate.ts';

describe.for(await bareDatabases())('results of an older database in $name', ({ absent, create }) => {
  if (absent) {
    test.skip(absent);
    return;
  }

  test('move to a table of their own, with all else as it was', async () => {
    const { db, flavour } = await create();
    try {
      await migrateToLatest(db, flavour, { newest: '0001-jobs' });
      await fill(db);
      await migrateToLatest(db, flavour, { newest: '0002-results' });
      const jobs = await rowsOf(db, 'select id, job_id, result, error_code, duration_ms from jobs order by id');
      expect(jobs).toEqual([
        { id: 1, job_id: 'job-number-1', result: '{"status":"completed"}', error_code: null, duration_ms: 1500 },
        { id: 2, job_id: 'job-number-2', result: FAILED, error_code: 'TIMEOUT', duration_ms: null },
        { id: 3, job_id: 'job-number-3', result: null, error_code: null, duration_ms: null },
      ]);
      expect(await rowsOf(db, 'select job, attempt, document, size_bytes from results order by job')).toEqual([
        { job: 1, attempt: 1, document: COMPLETED, size_bytes: Buffer.byteLength(COMPLETED) },
        { job: 2, attempt: 1, document: FAILED, size_bytes: Buffer.byteLength(FAILED) },
      ]);
      expect(await rowsOf(db, 'select tenant, key, job_id from idempotency_keys')).toEqual([
        { tenant: 'acme', key: 'k-1', job_id: 'job-number-1' },
      ]);
      expect(await rowsOf(db, 'select job, attempt from attempts')).toEqual([{ job: 1, attempt: 1 }]);
      expect(await rowsOf(db, 'select job, sequence from events')).toEqual([{ job: 1, sequence: 0 }]);
      // ids go on where they were
      await insertJob(db, { number: 4 });
      expect(await rowsOf(db, 'select max(id) as id from jobs')).toEqual([{ id: 4 }]);
    } finally {
      await db.destroy();
    }
  });
});

const COMPLETED = '{"status":"completed","data":{"text":"ä\\u0000"}}';
const FAILED = '{"status":"timeout","error":{"code":"TIMEOUT"}}';

async function fill(db: Kysely<HistorySchema>): Promise<void> {
  const times = { started_at: '2026-05-04T08:00:00.000Z', completed_at: '2026-05-04T08:00:01.500Z' };
  await insertJob(db, { number: 1, key: 'k-1', result: COMPLETED, ...times });
  await insertJob(db, { number: 2, result: FAILED });
  await insertJob(db, { number: 3 });
  await sql`insert into attempts (job, attempt, worker_id, started_at, outcome)
    values (1, 1, 'w', ${times.started_at}, 'completed')`.execute(db);
  await sql`insert into events (job, sequence, attempt, type, timestamp, worker_id, body)
    values (1, 0, 1, 'finished', ${times.completed_at}, 'w', '{}')`.execute(db);
}

interface OldJob {
  readonly number: number;
  readonly key?: string;
  readonly result?: string;
  readonly started_at?: string;
  readonly completed_at?: string;
}

async function insertJob(db: Kysely<HistorySchema>, job: OldJob): Promise<void> {
  const { number, key = null, result = null, started_at = null, completed_at = null } = job;
  await sql`
    insert into jobs (tenant, job_id, pool, operation, labels, priority, status, attempt, document, payload, content_hash,
      idempotency_key, created_at, submitted_at, started_at, completed_at, result, last_sequence)
    values ('acme', ${`job-number-${number}`}, 'default', 'system.echo', '{}', 5, 'pending', 1, '{}', '{}', 'hash',
      ${key}, '2026-05-04T08:00:00Z', '2026-05-04T08:00:00Z', ${started_at}, ${completed_at}, ${result}, 0)`.execute(
    db,
  );
}

async function rowsOf(db: Kysely<HistorySchema>, query: string): Promise<readonly object[]> {
  const { rows } = await sql<object>`${sql.raw(query)}`.execute(db);
  return rows.map((row) => ({ ...row }));
}
