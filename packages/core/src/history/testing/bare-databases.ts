import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Kysely } from 'kysely';
import { afterAll, onTestFinished } from 'vitest';
import { postgresAbsent, startPostgres, type TestPostgres } from '../../../../../test/support/postgres-server.ts';
import { PooledPostgresDialect } from '../postgres/dialect.ts';
import { POSTGRES_FLAVOUR } from '../postgres/flavour.ts';
import type { HistorySchema } from '../schema.ts';
import type { SqlFlavour } from '../sql-flavour.ts';
import { NodeSqliteDialect } from '../sqlite/dialect.ts';
import { SQLITE_FLAVOUR } from '../sqlite/flavour.ts';

/** A database without tables, for a test that migrates it step by step. */
export interface BareDatabase {
  readonly db: Kysely<HistorySchema>;
  readonly flavour: SqlFlavour;
}

/** For `describe.for`; `absent` says why one cannot be had here. Their servers end with the test file. */
export async function bareDatabases() {
  const postgres = postgresAbsent === undefined ? await startPostgres() : undefined;
  afterAll(() => postgres?.[Symbol.asyncDispose]());
  return [
    { name: 'SQLite', absent: undefined, create: createSqlite },
    { name: 'PostgreSQL', absent: postgresAbsent, create: () => createPostgres(postgres) },
  ];
}

async function createSqlite(): Promise<BareDatabase> {
  const folder = await mkdtemp(path.join(tmpdir(), 'gk-bare-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const dialect = new NodeSqliteDialect(path.join(folder, 'history.sqlite'));
  return { db: new Kysely({ dialect }), flavour: SQLITE_FLAVOUR };
}

async function createPostgres(postgres: TestPostgres | undefined): Promise<BareDatabase> {
  const url = (await postgres?.newSchema()) ?? '';
  const dialect = new PooledPostgresDialect({ url, onError: () => {} });
  return { db: new Kysely({ dialect }), flavour: POSTGRES_FLAVOUR };
}
