import { setTimeout as delay } from 'node:timers/promises';

/** Waits until something is so; fails, saying what it waited for, when it never becomes so. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  { timeoutMs = 45_000, everyMs = 10 } = {},
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`Waited ${timeoutMs} ms in vain: ${what}`);
    await delay(everyMs);
  }
}
