import { setTimeout as delay } from 'node:timers/promises';
import type { EventStream } from '../coordination/event-stream.ts';

const RECORD_WAIT_MS = 5_000;
const RECORD_POLL_MS = 50;

/** Resolves when all that was told until now is recorded; with `false` when the recorders are too far behind. */
export async function hasRecorded(stream: Pick<EventStream, 'mark' | 'isRecorded'>): Promise<boolean> {
  const mark = await stream.mark();
  const endMs = performance.now() + RECORD_WAIT_MS;
  while (!(await stream.isRecorded(mark))) {
    if (performance.now() > endMs) return false;
    await delay(RECORD_POLL_MS);
  }
  return true;
}
