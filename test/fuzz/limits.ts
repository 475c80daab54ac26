/** What one case may take (security rule R14). */
export const LIMIT = {
  /** Of the processor, not of the clock: a busy machine is no bug. */
  cpuMs: 2000,
  /** Of the whole process, seeds and all. */
  rssBytes: 256 * 2 ** 20,
  /** On the clock, after which a process that says nothing is killed. */
  silenceMs: 60_000,
} as const;
