import { writeFile } from 'node:fs/promises';
import { setPriority } from 'node:os';

/** A third of the share of a process that has not been made nicer: an attempt that is starved makes no progress, and would be ended for it. */
export const JAIL_NICENESS = 5;

/** No such process any more; no such file, in kernels without groups; a file of another user; too many changes in a second. */
const HARMLESS: readonly unknown[] = ['ESRCH', 'ENOENT', 'EACCES', 'EPERM', 'EAGAIN'];

/**
 * Lets worker, API node and databases on a machine go first when attempts want all of its processors: else nobody has time to
 * hear that one of them shall end. Linux weighs sessions before it weighs processes (sched(7), autogroup), and a jail has its own.
 */
export async function giveWay(pid: number): Promise<void> {
  try {
    setPriority(pid, JAIL_NICENESS);
    if (process.platform === 'linux') await writeFile(`/proc/${pid}/autogroup`, String(JAIL_NICENESS));
  } catch (error) {
    if (!HARMLESS.includes((error as NodeJS.ErrnoException).code)) throw error;
  }
}
