import { readdirSync, readFileSync } from 'node:fs';

const JAIL_MAIN = /apps\/worker\/src\/jail\/main\.ts/;

export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** The jails that these workers have started and that still run. */
export function jailsOf(workers: readonly number[]): readonly number[] {
  return jails()
    .filter(({ parent }) => workers.includes(parent))
    .map(({ pid }) => pid);
}

/** Every jail on this machine; none where there is no /proc. */
export function jails(): readonly Process[] {
  return processes().filter(({ command }) => JAIL_MAIN.test(command));
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
    const [, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return { pid, parent: Number(parent), command };
  } catch {
    // it ended while we looked
    return undefined;
  }
}
