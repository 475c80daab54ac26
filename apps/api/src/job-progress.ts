import type { JobRecord } from '@guestkit/core/history/job-history';
import { type JobEvent, sequenceOf } from '@guestkit/core/job/event';
import { isFinal } from '@guestkit/core/job/state';
import type { ApiParts } from './api-parts.ts';

const EVENTS_PER_READ = 500;
/** How often to look for what other nodes have recorded. */
const LOOK_AGAIN_MS = 500;
/** How long an event may be under way after a later one: recorders share the work, and one may be slower. */
const LATE_MS = 2000;

type Parts = Pick<ApiParts, 'history' | 'news' | 'clock'>;
type JobName = Pick<JobRecord, 'tenant' | 'job_id'>;

/** Yields what happens to a job after a sequence, and returns the job in its final state; `undefined` when the signal fires first. */
export async function* followJob(
  parts: Parts,
  job: JobName,
  { after, signal }: { readonly after: number; readonly signal: AbortSignal },
): AsyncGenerator<readonly JobEvent[], JobRecord | undefined> {
  let last = after;
  while (!signal.aborted) {
    // in this order: what is recorded between two steps is seen by the next one
    const ring = parts.news.next(job.job_id, LOOK_AGAIN_MS, signal);
    const now = await parts.history.find(job.tenant, job.job_id);
    const { events, isComplete } = await readProgress(parts, job, { after: last, limit: EVENTS_PER_READ });
    last = events.at(-1)?.sequence ?? last;
    if (events.length > 0) yield events;
    else if (isComplete && (now === undefined || isFinal(now.status))) return now;
    else await ring;
  }
  return undefined;
}

/** The events after a sequence, up to the first gap that may still be filled: who reads on from the last one misses none. */
export async function readProgress(
  { history, clock }: Omit<Parts, 'news'>,
  { tenant, job_id }: JobName,
  { after, limit }: { readonly after: number; readonly limit: number },
): Promise<{ readonly events: readonly JobEvent[]; readonly isComplete: boolean }> {
  const known = await history.events(tenant, job_id, { after, limit });
  const events = beforeGap(known, after, clock());
  return { events, isComplete: events.length === known.length };
}

function beforeGap(events: readonly JobEvent[], after: number, nowMs: number): readonly JobEvent[] {
  const gap = events.findIndex(
    (event, index) => !follows(event, events[index - 1]?.sequence ?? after) && isRecent(event, nowMs),
  );
  return gap < 0 ? events : events.slice(0, gap);
}

/** Within an attempt sequences leave nothing out; how many the attempt before had is not known. */
function follows({ sequence, attempt }: JobEvent, previous: number): boolean {
  return sequence === previous + 1 || sequence === sequenceOf(attempt, 0);
}

/** Clocks of workers may differ from ours, in both directions. */
function isRecent({ timestamp }: JobEvent, nowMs: number): boolean {
  return Math.abs(nowMs - Date.parse(timestamp)) < LATE_MS;
}
