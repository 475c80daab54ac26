export interface RetryDelay {
  /** The longest wait after the first failure; doubled after each further one. */
  readonly baseMs: number;
  readonly capMs: number;
}

export const DEFAULT_RETRY_DELAY: RetryDelay = { baseMs: 1_000, capMs: 60_000 };

/** How long a job waits after its n-th failed attempt: exponential, with half of it random so that retries spread out. */
export function retryDelayMs(failedAttempts: number, { baseMs, capMs }: RetryDelay, random: () => number): number {
  const longest = Math.min(capMs, baseMs * 2 ** (failedAttempts - 1));
  return Math.round((longest / 2) * (1 + random()));
}
