import type { BulkVerb } from '@guestkit/core/history/bulk-operations';
import type { JobFilter } from '@guestkit/core/history/job-history';
import { isFinal, JOB_STATES, type JobState } from '@guestkit/core/job/state';
import { Problem } from '../problem.ts';

const STATES: Readonly<Record<BulkVerb, readonly JobState[]>> = {
  cancel: JOB_STATES.filter((state) => !isFinal(state)),
  retry: ['failed', 'timeout'],
  purge: JOB_STATES.filter(isFinal),
};

/** Of what the filter lets through, the jobs in states that the verb is for. @throws Problem when it names others */
export function eligible(verb: BulkVerb, filter: JobFilter): JobFilter {
  const states = STATES[verb];
  const others = filter.status?.filter((state) => !states.includes(state)) ?? [];
  if (others.length > 0) {
    throw new Problem(
      'bad-request',
      `Cannot ${verb} jobs that are ${others.join(' or ')}: expected ${states.join(', ')}`,
      { details: { field: 'filter.status' } },
    );
  }
  return { ...filter, status: filter.status ?? states };
}
