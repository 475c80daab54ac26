import type { JobState } from '../job/state.ts';
import type { JobRecord } from './job-history.ts';

/** What a list of jobs can be ordered by. Jobs that do not have it yet come first in ascending order; ties go by acceptance. */
export const JOB_SORT_KEYS = [
  'submitted_at',
  'started_at',
  'completed_at',
  'duration',
  'priority',
  'name',
  'operation',
  'status',
] as const;

export interface JobSort {
  readonly by: (typeof JOB_SORT_KEYS)[number];
  readonly descending: boolean;
}

/** Times are RFC 3339 in UTC with milliseconds; `since` is within the range, `until` is not. */
export interface TimeRange {
  readonly since?: string;
  readonly until?: string;
}

/** A value at a path of member names and array indexes within `payload.data`. */
export interface PayloadMatch {
  readonly path: readonly string[];
  readonly value: string | number | boolean | null;
}

/** All members must hold; of a list, any entry. */
export interface JobFilter {
  readonly tenant: string;
  /** The archive instead of the jobs that are not archived. */
  readonly archived?: boolean;
  readonly status?: readonly JobState[];
  readonly operation?: readonly string[];
  readonly pool?: readonly string[];
  readonly worker?: readonly string[];
  readonly errorCode?: readonly string[];
  /** Each of them. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Each of them. */
  readonly payload?: readonly PayloadMatch[];
  /** Text anywhere in the name; ASCII letters match in either case. */
  readonly name?: string;
  readonly submitted?: TimeRange;
  readonly started?: TimeRange;
  readonly completed?: TimeRange;
}

export interface JobPageRequest {
  readonly limit: number;
  /** Newest first when not given. */
  readonly sort?: JobSort;
  readonly cursor?: string;
}

export interface JobPage {
  readonly jobs: readonly JobRecord[];
  /**
   * Opaque; `null` on the last page. A page may hold fewer jobs than asked for, even none, though more follow: a look through many
   * rows that do not match ends after a bounded number of them.
   */
  readonly nextCursor: string | null;
}

/** When it is not exact, there are at least as many. */
export interface BoundedCount {
  readonly jobs: number;
  readonly isExact: boolean;
}

/** For each state that the filter lets through. */
export type StatusCounts = Readonly<Partial<Record<JobState, BoundedCount>>>;

export interface JobSearch {
  /** @throws RangeError when the cursor is not one of ours, or of another sort or filter */
  list(filter: JobFilter, page: JobPageRequest): Promise<JobPage>;
  /** Looks at all of them, however long that takes. */
  count(filter: JobFilter): Promise<number>;
  /** Gives up counting after a bounded number of rows. */
  countSome(filter: JobFilter): Promise<BoundedCount>;
  countByStatus(filter: JobFilter): Promise<StatusCounts>;
}
