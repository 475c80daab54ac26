import type { FinishedEvent } from '@guestkit/core/job/event';

/** Results of a megabyte are for history, not for the queue. */
const MAX_EVENT_CHARACTERS = 4_096;

/** What the queue keeps of a completed attempt. A small end is kept whole: history can learn it from there if it was not told. */
export function summaryOf(event: FinishedEvent): object {
  const { status, worker_id, execution_summary } = event.result;
  const isSmall = JSON.stringify(event).length <= MAX_EVENT_CHARACTERS;
  return { status, worker_id, duration_ms: execution_summary.duration_ms, ...(isSmall && { event }) };
}
