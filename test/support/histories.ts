import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { JobHistory } from '@guestkit/core/history/job-history';
import { openPostgresHistory } from '@guestkit/core/history/postgres/open';
import type { SearchBounds } from '@guestkit/core/history/sql-search';
import { openSqliteHistory } from '@guestkit/core/history/sqlite/open';
import { afterAll, onTestFinished } from 'vitest';
import { postgresAbsent, startPostgres } from './postgres-server.ts';

export interface HistoryOptions {
  readonly searchBounds?: SearchBounds;
}

/** One database that histories can be in. */
export interface HistoryImplementation {
  readonly name: string;
  readonly absent: string | undefined;
  /** What opens one new, empty history, as often as it is called: each time as another process would. */
  create(options?: HistoryOptions): Promise<() => Promise<JobHistory>>;
}

/** The histories that a contract suite runs over; their servers end with the test file. */
export async function historyImplementations(): Promise<readonly HistoryImplementation[]> {
  const postgres = postgresAbsent === undefined ? await startPostgres() : undefined;
  afterAll(() => postgres?.[Symbol.asyncDispose]());
  return [
    { name: 'history in SQLite', absent: undefined, create: createSqlite },
    {
      name: 'history in PostgreSQL',
      absent: postgresAbsent,
      async create(options) {
        const url = (await postgres?.newSchema()) ?? '';
        return () => openPostgresHistory({ ...options, url, onError: fail });
      },
    },
  ];
}

async function createSqlite(options: HistoryOptions = {}): Promise<() => Promise<JobHistory>> {
  const folder = await mkdtemp(path.join(tmpdir(), 'gk-history-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return () => openSqliteHistory({ ...options, file: path.join(folder, 'history.sqlite') });
}

/** Nothing breaks in these tests. */
function fail(error: Error): never {
  throw error;
}
