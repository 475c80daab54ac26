import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { jobDocument } from '../../../../../test/support/job.ts';
import { AT_FIRST, toJobRow } from '../rows.ts';
import { openSqlHistory } from '../sql-history.ts';
import { bareDatabases } from '../testing/bare-databases.ts';
import { migrateToLatest } from './migrate.ts';

describe.for(await bareDatabases())('the outbox of an older database in $name', ({ absent, create }) => {
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
        .values({ ...toJobRow({ tenant: 'acme', pool: 'p', document, acceptedAtMs: 0 }), ...AT_FIRST })
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
