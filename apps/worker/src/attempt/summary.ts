import type { FinishedEvent } from '@guestkit/core/job/event';
import type { ResultDocument } from '@guestkit/core/job/result';

/** Results of a megabyte are for history, not for the queue. */
const MAX_EVENT_CHARACTERS = 4_096;

/** What the queue keeps of a completed attempt: Redis writes it twice, and tells it again. */
export function summaryOf({ status, worker_id, execution_summary }: ResultDocument): object {
  return { status, worker_id, duration_ms: execution_summary.duration_ms };
}

/** The same with the end, if that is small: history can learn it from there if it was not told. */
export function summaryWithEnd(event: FinishedEvent): object {
  const isSmall = JSON.stringify(event).length <= MAX_EVENT_CHARACTERS;
  return { ...summaryOf(event.result), ...(isSmall && { event }) };
}
