import type { ReleasedEvent } from '../job/event.ts';
import { timestampOf } from '../job/timestamp.ts';
import type { UnfinishedJob } from './unfinished-jobs.ts';

type LostAttempt = Pick<UnfinishedJob, 'tenant' | 'job_id' | 'attempt' | 'worker_id' | 'lastSequence'>;

/** Tells that an attempt is over, which its worker did not live to tell. */
export function lossOf({ tenant, job_id, attempt, worker_id, lastSequence }: LostAttempt): ReleasedEvent {
  return {
    ...{ tenant, job_id, attempt, worker_id: worker_id ?? '' },
    sequence: lastSequence + 1,
    timestamp: timestampOf(Date.now()),
    type: 'released',
    reason: 'lost',
  };
}
