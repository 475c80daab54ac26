import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { postgresAbsent, startPostgres } from '../../../../../test/support/postgres-server.ts';
import type { JobHistory } from '../job-history.ts';
import { type DatabasePlace, migrateHistory, openHistory } from '../open-history.ts';
import { MIGRATION_NAMES } from './migrate.ts';

interface Database {
  readonly place: DatabasePlace;
  open(): Promise<JobHistory>;
  execute(sql: string): Promise<void>;
}

const postgres = postgresAbsent === undefined ? await startPostgres() : undefined;
afterAll(() => postgres?.[Symbol.asyncDispose]());

describe.for([
  { name: 'SQLite', absent: undefined, create: createSqlite },
  { name: 'PostgreSQL', absent: postgresAbsent, create: createPostgres },
])('the tables in $name', ({ absent, create }) => {
  if (absent) {
    test.skip(absent);
    return;
  }

  test('are refused, and left alone, when a newer program has changed them', async () => {
    const database = await create();
    await (await database.open())[Symbol.asyncDispose]();
    await database.execute(
      `insert into kysely_migration (name, timestamp) values ('9999-future', '2099-01-01T00:00:00Z')`,
    );
    await expect(database.open()).rejects.toThrow(
      /^Cannot open the job history: its tables are of a newer guestkit \(9999-future\), expected none newer than \d{4}-\w+: upgrade this program$/,
    );
    await database.execute(`delete from kysely_migration where name = '9999-future'`);
    await (await database.open())[Symbol.asyncDispose]();
  });

  test('are looked at without being changed, and then brought up to date', async () => {
    const { place } = await create();
    const before = await migrateHistory(place, { isDryRun: true });
    expect(before).toEqual({ applied: [], pending: MIGRATION_NAMES, unknown: [] });
    expect(await migrateHistory(place, { isDryRun: true })).toEqual(before);
    const after = { applied: MIGRATION_NAMES, pending: [], unknown: [] };
    expect(await migrateHistory(place, { isDryRun: false })).toEqual(after);
    expect(await migrateHistory(place, { isDryRun: false })).toEqual(after);
  });

  test('are made as a whole or not at all', async () => {
    const database = await create();
    await database.execute('create table events (unlike_ours integer)');
    await expect(database.open()).rejects.toThrow(/^Cannot open the job history: .*events/);
    await database.execute('drop table events');
    await using history = await database.open();
    expect(await history.count({ tenant: 'acme' })).toBe(0);
  });
});

test.skipIf(postgresAbsent)(
  'tables of an older program in PostgreSQL are refused until somebody says to change them',
  async () => {
    const database = await createPostgres();
    await (await database.open())[Symbol.asyncDispose]();
    await database.execute(
      `delete from kysely_migration where name = '0009-outbox'; drop table outbox;
      alter table jobs add column enqueued_at text; alter table archived_jobs add column enqueued_at text;
      create index jobs_not_enqueued on jobs (id) where enqueued_at is null and status = 'pending'`,
    );
    await expect(database.open()).rejects.toThrow(
      /^Cannot open the job history: its tables are of an older guestkit \(without 0009-outbox\), expected 0009-outbox: stop the API nodes and run "guestkit-worker migrate", or start one with --migrate$/,
    );
    const migrating = { ...database.place, migrate: true, onError: () => {} };
    await (await openHistory(migrating))[Symbol.asyncDispose]();
    await (await database.open())[Symbol.asyncDispose]();
  },
);

async function createSqlite(): Promise<Database> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'gk-migrate-'));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  const file = path.join(dataDir, 'history.sqlite');
  const place = { databaseUrl: undefined, dataDir };
  return {
    place,
    open: () => openHistory({ ...place, onError: () => {} }),
    async execute(sql) {
      using database = new DatabaseSync(file);
      database.exec(sql);
    },
  };
}

async function createPostgres(): Promise<Database> {
  const databaseUrl = (await postgres?.newSchema()) ?? '';
  const [schema] = /test_\d+/.exec(databaseUrl) ?? [];
  const place = { databaseUrl, dataDir: '/nonexistent' };
  return {
    place,
    open: () => openHistory({ ...place, onError: () => {} }),
    async execute(sql) {
      await postgres?.query(`set search_path = ${schema}; ${sql}`);
    },
  };
}
