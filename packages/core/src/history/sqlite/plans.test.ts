import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Kysely } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import type { JobHistory } from '../job-history.ts';
import type { HistorySchema } from '../schema.ts';
import { openSqlHistory } from '../sql-history.ts';
import { NodeSqliteDialect } from './dialect.ts';
import { SQLITE_FLAVOUR } from './flavour.ts';

// What is asked every second must not look at every job that ever was.
test.each<[plan: readonly string[], ask: (history: JobHistory) => Promise<unknown>]>([
  [['SCAN outbox', 'SEARCH jobs USING INTEGER PRIMARY KEY'], (history) => history.notEnqueued(0, 10)],
  [['CO-ROUTINE some', 'SCAN outbox', 'SCAN some'], (history) => history.countNotEnqueued(10)],
  [
    ['USING INDEX jobs_unfinished', 'SEARCH outbox USING INTEGER PRIMARY KEY'],
    (history) => history.unfinished({ status: 'running', after: 0, limit: 10 }),
  ],
])('SQLite answers by an index: %s', async (steps, ask) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'gk-plans-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'history.sqlite');
  const asked: string[] = [];
  const log = ({ query }: { readonly query: { readonly sql: string } }) => void asked.push(query.sql);
  const db = new Kysely<HistorySchema>({ dialect: new NodeSqliteDialect(file), log });
  await using history = await openSqlHistory(db, SQLITE_FLAVOUR);
  asked.length = 0;
  await ask(history);
  using database = new DatabaseSync(file);
  const plan = database.prepare(`explain query plan ${asked.at(-1)}`).all();
  expect(plan.map(({ detail }) => detail)).toEqual(steps.map((step) => expect.stringContaining(step)));
});
