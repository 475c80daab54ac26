import type { JobRecord } from '@guestkit/core/history/job-history';
import type { JobEvent } from '@guestkit/core/job/event';
import { isFinal } from '@guestkit/core/job/state';
import type { ApiParts } from './api-parts.ts';

const EVENTS_PER_READ = 500;
/** How often to look for what other nodes have recorded. */
const LOOK_AGAIN_MS = 500;

/** Yields what happens to a job after a sequence, and returns the job in its final state; `undefined` when the signal fires first. */
export async function* followJob(
  { history, news }: Pick<ApiParts, 'history' | 'news'>,
  { tenant, job_id }: Pick<JobRecord, 'tenant' | 'job_id'>,
  { after, signal }: { readonly after: number; readonly signal: AbortSignal },
): AsyncGenerator<readonly JobEvent[], JobRecord | undefined> {
  let last = after;
  while (!signal.aborted) {
    // in this order: what is recorded between two steps is seen by the next one
    const ring = news.next(job_id, LOOK_AGAIN_MS, signal);
    const job = await history.find(tenant, job_id);
    const events = await history.events(tenant, job_id, { after: last, limit: EVENTS_PER_READ });
    last = events.at(-1)?.sequence ?? last;
    if (events.length > 0) yield events;
    else if (job === undefined || isFinal(job.status)) return job;
    else await ring;
  }
  return undefined;
}
