import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const JAIL_MAIN = path.join(import.meta.dirname, '../../apps/worker/src/jail/main.ts');

export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
  /** In ticks of the kernel, a hundredth of a second each. */
  readonly cpuTicks: number;
}

/** The jails that these workers have started and that still run. */
export function jailsOf(workers: readonly number[]): readonly number[] {
  return jails()
    .filter(({ parent }) => workers.includes(parent))
    .map(({ pid }) => pid);
}

/** Every jail of this copy of the sources; none where there is no /proc. */
export function jails(): readonly Process[] {
  return processes().filter(({ command }) => command.includes(JAIL_MAIN));
}

const LOOK_MS = 1_000;
const SPINNING_TICKS = 25;

/** Of the jails of these workers, those that are at work. */
export async function spinningJails(workers: readonly number[]): Promise<readonly number[]> {
  const before = new Map(jails().map(({ pid, cpuTicks }) => [pid, cpuTicks]));
  await delay(LOOK_MS);
  return jails()
    .filter(
      ({ pid, parent, cpuTicks }) =>
        workers.includes(parent) && cpuTicks - (before.get(pid) ?? cpuTicks) >= SPINNING_TICKS,
    )
    .map(({ pid }) => pid);
}

function processes(): readonly Process[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => readProcess(Number(name)) ?? []);
  } catch {
    return [];
  }
}

function readProcess(pid: number): Process | undefined {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    // the name of the program, in parentheses, may hold anything
    const facts = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return { pid, parent: Number(facts[1]), command, cpuTicks: Number(facts[11]) + Number(facts[12]) };
  } catch {
    // it ended while we looked
    return undefined;
  }
}
