import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { JobHistory } from './job-history.ts';
import { openPostgresHistory } from './postgres/open.ts';
import { openSqliteHistory } from './sqlite/open.ts';

export interface HistoryOptions {
  /** `postgres://…`, `postgresql://…` or `sqlite:/path`; a file in `dataDir` when not given. */
  readonly databaseUrl: string | undefined;
  readonly dataDir: string;
  /** Told of faults of connections that no call is waiting for. */
  readonly onError: (error: Error) => void;
}

/** Opens the history where the configuration says it is. */
export async function openHistory({ databaseUrl, dataDir, onError }: HistoryOptions): Promise<JobHistory> {
  if (databaseUrl !== undefined && /^postgres(?:ql)?:/.test(databaseUrl)) {
    return openPostgresHistory({ url: databaseUrl, onError });
  }
  const file = path.resolve(databaseUrl?.replace(/^sqlite:(?:\/\/)?/, '') ?? path.join(dataDir, 'history.sqlite'));
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  return openSqliteHistory({ file });
}
