const MAX_TIMER_MS = 2 ** 31 - 1;

/** A delay as a Node timer can hold it; a longer one would fire at once. */
export function timerMs(ms: number): number {
  return Math.min(Math.max(0, ms), MAX_TIMER_MS);
}
