import { type Kysely, sql } from 'kysely';
import type { JobRecord } from './job-history.ts';
import { JOB_COLUMNS, type JobRowWithoutResult, toJobRecord } from './rows.ts';
import type { HistorySchema } from './schema.ts';
import type { JobsQuery } from './sql-flavour.ts';

/** A job that is not archived. */
export function jobById(db: Kysely<HistorySchema>, tenant: string, jobId: string): JobsQuery<JobRowWithoutResult> {
  return db.selectFrom('jobs').select(JOB_COLUMNS).where('tenant', '=', tenant).where('job_id', '=', jobId);
}

export interface KnownJob {
  readonly record: JobRecord;
  readonly content_hash: string;
}

/** A job, wherever it is. One that is being moved to the archive is in one of both. */
export async function findKnownJob(
  db: Kysely<HistorySchema>,
  tenant: string,
  jobId: string,
): Promise<KnownJob | undefined> {
  const row =
    (await jobById(db, tenant, jobId).executeTakeFirst()) ??
    (await db
      .selectFrom('archived_jobs')
      .select(JOB_COLUMNS)
      .select('archived_at')
      .where('tenant', '=', tenant)
      .where('job_id', '=', jobId)
      .executeTakeFirst());
  return row && { record: toJobRecord(row), content_hash: row.content_hash };
}

/** What attempts, results and events of a job go by, wherever it is: the id moves with it. */
export function keyOfJob(tenant: string, jobId: string) {
  return sql<number>`(
    select id from jobs where tenant = ${tenant} and job_id = ${jobId}
    union all select id from archived_jobs where tenant = ${tenant} and job_id = ${jobId}
  )`;
}

/** Two that hold rows in the same order do not wait for each other. */
export function jobsByIds(
  db: Kysely<HistorySchema>,
  tenant: string,
  jobIds: readonly string[],
): JobsQuery<JobRowWithoutResult> {
  return db
    .selectFrom('jobs')
    .select(JOB_COLUMNS)
    .where('tenant', '=', tenant)
    .where('job_id', 'in', jobIds)
    .orderBy('id');
}
