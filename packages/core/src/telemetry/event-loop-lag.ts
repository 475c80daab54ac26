import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 10;
const NANOSECONDS_PER_SECOND = 1e9;

/** The longest that the event loop kept a timer waiting since the last call, in seconds. */
export function watchEventLoopLag(): () => number {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  return () => {
    // the monitor measures from one tick of its timer to the next, lag or no lag
    const lag = histogram.max / NANOSECONDS_PER_SECOND - RESOLUTION_MS / 1000;
    histogram.reset();
    return Math.max(0, lag);
  };
}
