import { readdirSync, readFileSync } from 'node:fs';

/** The kernel counts in ticks of 10 ms. */
const TICK_MICROS = 10_000;

/** CPU that a process has used, in microseconds. */
export function cpuOf(pid: number): number {
  const { user, system } = statOf(pid);
  return (user + system) * TICK_MICROS;
}

/** CPU that a process, its children and those of its children that have ended have used: PostgreSQL has one per connection. */
export function cpuOfFamily(pid: number): number {
  const own = statOf(pid);
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
  const ended = (own.endedUser + own.endedSystem) * TICK_MICROS;
  return cpuOf(pid) + ended + children.reduce((sum, child) => sum + cpuUnlessGone(Number(child)), 0);
}

function cpuUnlessGone(pid: number): number {
  return readdirSync('/proc').includes(String(pid)) ? cpuOf(pid) : 0;
}

function statOf(pid: number) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // the name before it may hold spaces and parentheses
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15);
  return { user, system, endedUser, endedSystem };
}
