import type { FinalState } from '../job/state.ts';

/** Jobs in one of some states that ended before a time. */
export interface EndedJobs {
  readonly status: readonly FinalState[];
  readonly before: string;
  /** So many at most: each call is one short transaction. */
  readonly limit: number;
}

/** Where jobs go some time after their end. They are found there by the same filters, and answer for their ids and keys. */
export interface JobArchive {
  /** Moves jobs of all tenants to the archive, with their attempts and results, without their progress. Answers how many. */
  archive(jobs: EndedJobs): Promise<number>;
  /** Deletes jobs of all tenants from the archive with all that belongs to them. Answers how many. */
  deleteArchived(jobs: EndedJobs): Promise<number>;
}
