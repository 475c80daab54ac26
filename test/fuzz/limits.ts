/** What one case may take (security rule R14). */
export const LIMIT = {
  /** Of the processor, not of the clock: a busy machine is no bug. */
  cpuMs: 2000,
  /** What the process may grow by, beyond Node and the images themselves. */
  addedBytes: 128 * 2 ** 20,
  /** Of the processor, after which a process that said nothing is killed: it tells every second. */
  silentCpuMs: 15_000,
  /** How often that is looked at, and what a single case may take on the clock. */
  lookMs: 5000,
  checkMs: 120_000,
} as const;
