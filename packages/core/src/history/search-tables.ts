import { type RawBuilder, sql } from 'kysely';

/** The tables that a search looks into: of the jobs at hand, or of those in the archive. */
export interface SearchTables {
  readonly jobs: 'jobs' | 'archived_jobs';
  readonly facets: 'facets' | 'archived_facets';
  /** Where the database keeps an index of names apart. */
  readonly names: 'job_names' | 'archived_job_names';
}

export const JOBS_AT_HAND: SearchTables = { jobs: 'jobs', facets: 'facets', names: 'job_names' };
export const ARCHIVE: SearchTables = { jobs: 'archived_jobs', facets: 'archived_facets', names: 'archived_job_names' };

/** `from` takes it; columns are those of `jobs` either way. */
export function asJobs({ jobs }: SearchTables): RawBuilder<unknown> {
  return sql`${sql.table(jobs)} as jobs`;
}
