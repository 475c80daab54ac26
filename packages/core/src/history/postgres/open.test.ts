import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { until } from '../../../../../test/support/condition.ts';
import { jobDocument } from '../../../../../test/support/job.ts';
import { attemptEvents } from '../../../../../test/support/job-events.ts';
import { postgresAbsent, startPostgres, type TestPostgres } from '../../../../../test/support/postgres-server.ts';
import { DatabaseFault } from '../database-fault.ts';
import type { AcceptedJob, JobHistory } from '../job-history.ts';
import { MIGRATION_NAMES } from '../migrations/migrate.ts';
import { openPostgresHistory } from './open.ts';

describe.skipIf(postgresAbsent !== undefined)('history in PostgreSQL', () => {
  let postgres: TestPostgres;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres[Symbol.asyncDispose]());

  const openNew = async (faults: Error[] = []): Promise<JobHistory> =>
    openPostgresHistory({ url: await postgres.newSchema(), onError: (error) => faults.push(error) });
  const ask = async (sql: string) => (await postgres.query<Record<string, unknown>>(sql))[0];

  test('keeps the columns of the original schema, the payload as JSONB and times as sortable text', async () => {
    const url = await postgres.newSchema();
    await using history = await openPostgresHistory({ url, onError: () => {} });
    await history.accept(accepted(jobDocument({ payload: { type: 'system.echo.v1', data: { size: 3 } } })));
    const columns = 'job_id, operation, status, created_at, started_at, completed_at, worker_id, result, error';
    const row = await ask(`select ${columns}, payload #>> '{data,size}' as size from ${schemaOf(url)}.jobs`);
    expect(row).toMatchObject({ status: 'pending', size: '3', created_at: '2026-05-04T08:00:00Z', result: null });
  });

  test('waits for the disk with all that must not be lost, and only with that', async () => {
    const url = await postgres.newSchema();
    await using history = await openPostgresHistory({ url, onError: () => {} });
    await noteWrites(schemaOf(url));
    await history.accept(accepted(jobDocument()));
    await history.markEnqueued('acme', ['job-test-0001']);
    await history.record([attemptEvents().assigned()]);
    const notes = await postgres.query(`select write, waits from ${schemaOf(url)}.notes order by id`);
    expect(notes).toEqual([
      { write: 'INSERT jobs', waits: 'on' },
      { write: 'INSERT outbox', waits: 'on' },
      { write: 'DELETE outbox', waits: 'off' },
      { write: 'UPDATE jobs', waits: 'on' },
    ]);
  });

  test('does again what the database undid because two writers waited for each other', async () => {
    const url = await postgres.newSchema();
    await using history = await openPostgresHistory({ url, onError: () => {} });
    const tenants = ['acme', 'other'];
    for (const tenant of tenants) await history.accept({ ...accepted(jobDocument()), tenant });
    await slowUpdates(schemaOf(url));
    const events = tenants.map((tenant) => attemptEvents({ tenant }).assigned());
    await Promise.all([history.record(events), history.record(events.toReversed())]);
    for (const tenant of tenants) {
      expect(await history.find(tenant, 'job-test-0001')).toMatchObject({ status: 'assigned' });
    }
  });

  test('marks jobs without waiting for a writer that holds one of them', async () => {
    const url = await postgres.newSchema();
    await using history = await openPostgresHistory({ url, onError: () => {} });
    for (const document of numbered(2)) await history.accept(accepted(document));
    const job = `from ${schemaOf(url)}.jobs where job_id = 'job-number-0'`;
    let isHeld = true;
    const holding = postgres.query(`begin; select 1 ${job} for update; select pg_sleep(1); rollback`).then(() => {
      isHeld = false;
    });
    await until(
      'the row to be held',
      async () => (await ask(`select 1 as free ${job} for update skip locked`)) === undefined,
    );
    await history.markEnqueued('acme', ['job-number-0', 'job-number-1']);
    expect(isHeld).toBe(true);
    expect(await history.notEnqueued(Date.now(), 9)).toEqual([]);
    await holding;
  });

  test('is made once by many processes that open it for the first time', async () => {
    for (let round = 0; round < 3; round += 1) {
      const url = await postgres.newSchema();
      const opened = await Promise.all(
        Array.from({ length: 8 }, () => openPostgresHistory({ url, onError: () => {} })),
      );
      await Promise.all(opened.map((history) => history[Symbol.asyncDispose]()));
      const made = await postgres.query(`select name from ${schemaOf(url)}.kysely_migration order by name`);
      expect(made).toEqual(MIGRATION_NAMES.map((name) => ({ name })));
    }
  });

  test('survives that all its connections are cut, idle or in use', async () => {
    const faults: Error[] = [];
    await using history = await openNew(faults);
    await Promise.all(numbered(20).map((document) => history.accept(accepted(document))));
    await cutAll();
    await until('the pool to notice', () => faults.length > 0);
    expect(await history.count({ tenant: 'acme' })).toBe(20);

    const recording = Promise.allSettled(
      numbered(20).map(({ job_id }) => history.record([attemptEvents({ job_id }).finished()])),
    );
    await nextTurn();
    await cutAll();
    for (const outcome of await recording) {
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(DatabaseFault);
    }
    await history.record(numbered(20).map(({ job_id }) => attemptEvents({ job_id }).finished()));
    expect(await history.count({ tenant: 'acme', status: ['completed'] })).toBe(20);
  });

  test('goes on with another connection when one gives no answer', async () => {
    const url = await postgres.newSchema();
    // its tables are made without haste
    await using _tables = await openPostgresHistory({ url, onError: () => {} });
    await using history = await openPostgresHistory({ url, onError: () => {}, answerTimeoutMs: 1_000 });
    const pids = await postgres.query<{ pid: number }>(
      "select pid from pg_stat_activity where application_name = 'guestkit'",
    );
    for (const { pid } of pids) stopUntilEnd(pid);
    await expect(history.find('acme', 'job-test-0001')).rejects.toBeInstanceOf(DatabaseFault);
    expect(await history.find('acme', 'job-test-0001')).toBeUndefined();
  });

  test('ends a statement that takes too long', async () => {
    const url = await postgres.newSchema();
    await using history = await openPostgresHistory({ url, onError: () => {}, statementTimeoutMs: 200 });
    await history.accept(accepted(jobDocument()));
    const holding = postgres.query(`begin; lock ${schemaOf(url)}.jobs; select pg_sleep(1); rollback`);
    await until('the lock to be held', async () => {
      const lock = await ask(`select count(*)::int as held from pg_locks where mode = 'AccessExclusiveLock' and granted
        and relation = '${schemaOf(url)}.jobs'::regclass`);
      return lock?.held === 1;
    });
    await expect(history.find('acme', 'job-test-0001')).rejects.toBeInstanceOf(DatabaseFault);
    await holding;
    expect(await history.find('acme', 'job-test-0001')).toBeDefined();
  });

  test('accepts the others of a group when the database refuses one', async () => {
    const url = await postgres.newSchema();
    await using history = await openPostgresHistory({ url, onError: () => {} });
    await postgres.query(`alter table ${schemaOf(url)}.jobs add check (job_id <> 'job-second-1')`);
    const outcomes = await Promise.allSettled(
      ['job-first-01', 'job-second-1', 'job-third-01'].map((job_id) =>
        history.accept(accepted(jobDocument({ job_id }))),
      ),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await history.count({ tenant: 'acme' })).toBe(2);
  });

  test('says in the words of the server why it cannot be opened, and not the password', async () => {
    const url = 'postgres://guestkit:hunter2@127.0.0.1:1/none';
    const opening = openPostgresHistory({ url, onError: () => {} });
    await expect(opening).rejects.toThrow(
      'Cannot open the job history: Cannot reach the database: connect ECONNREFUSED 127.0.0.1:1',
    );
    await expect(opening).rejects.not.toThrow('hunter2');
  });

  test('needs a schema that exists', async () => {
    const url = (await postgres.newSchema()).replace('test_', 'absent_');
    const opening = openPostgresHistory({ url, onError: () => {} });
    await expect(opening).rejects.toThrow('no schema of the search path exists');
  });

  /** Has the server itself say how each row of jobs and of the outbox was written. */
  async function noteWrites(schema: string): Promise<void> {
    await postgres.query(`
      create table ${schema}.notes (id serial, write text, waits text);
      create function ${schema}.note() returns trigger language plpgsql as $$ begin
        insert into ${schema}.notes (write, waits) values (tg_op || ' ' || tg_table_name, current_setting('synchronous_commit'));
        return null;
      end $$;
      create trigger note after insert or update on ${schema}.jobs for each row execute function ${schema}.note();
      create trigger note after insert or delete on ${schema}.outbox for each row execute function ${schema}.note();
    `);
  }

  /** Leaves time for two writers to have one job each when they come to that of the other. */
  async function slowUpdates(schema: string): Promise<void> {
    await postgres.query(`
      create function ${schema}.pause() returns trigger language plpgsql as $$ begin
        perform pg_sleep(0.2);
        return new;
      end $$;
      create trigger pause before update on ${schema}.jobs for each row execute function ${schema}.pause();
    `);
  }

  async function cutAll(): Promise<void> {
    await postgres.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'guestkit'");
  }
});

function stopUntilEnd(pid: number): void {
  process.kill(pid, 'SIGSTOP');
  onTestFinished(() => void process.kill(pid, 'SIGCONT'));
}

function accepted(document: AcceptedJob['document']): AcceptedJob {
  return { tenant: 'acme', pool: 'default', document, acceptedAtMs: Date.UTC(2026, 4, 4, 8) };
}

function numbered(count: number) {
  return Array.from({ length: count }, (_, index) => jobDocument({ job_id: `job-number-${index}` }));
}

function schemaOf(url: string): string {
  return /search_path%3D(\w+)/.exec(url)?.[1] ?? '';
}
