import type { Kysely } from 'kysely';
import { JOB_COLUMNS, type JobRowWithoutResult } from './rows.ts';
import type { HistorySchema } from './schema.ts';
import type { JobsQuery } from './sql-flavour.ts';

export function jobById(db: Kysely<HistorySchema>, tenant: string, jobId: string): JobsQuery<JobRowWithoutResult> {
  return db.selectFrom('jobs').select(JOB_COLUMNS).where('tenant', '=', tenant).where('job_id', '=', jobId);
}
