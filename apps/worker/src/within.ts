import { setTimeout as delay } from 'node:timers/promises';

/** Waits for work, but not longer than that. Whether it ended in time. */
export async function within(timeoutMs: number, work: Promise<unknown>): Promise<boolean> {
  const timer = new AbortController();
  const late = delay(timeoutMs, false, { signal: timer.signal }).catch(() => false);
  const inTime = await Promise.race([work.then(() => true), late]);
  timer.abort();
  return inTime;
}
