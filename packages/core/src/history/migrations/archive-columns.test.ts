import { Kysely } from 'kysely';
import { expect, test } from 'vitest';
import type { HistorySchema } from '../schema.ts';
import { NodeSqliteDialect } from '../sqlite/dialect.ts';
import { SQLITE_FLAVOUR } from '../sqlite/flavour.ts';
import { migrateToLatest } from './migrate.ts';

test('the archive has every column that a job has, and says when it came there', async () => {
  const db = new Kysely<HistorySchema>({ dialect: new NodeSqliteDialect(':memory:') });
  await migrateToLatest(db, SQLITE_FLAVOUR);
  const tables = await db.introspection.getTables();
  const columnsOf = (name: string) => tables.find((table) => table.name === name)?.columns.map((column) => column.name);
  expect(columnsOf('archived_jobs')?.sort()).toEqual([...(columnsOf('jobs') ?? []), 'archived_at'].sort());
  await db.destroy();
});
