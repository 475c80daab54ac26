import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

interface Process {
  readonly pid: number;
  readonly parent: number;
}

/** All that a process has started, and what those have started. */
export function descendantsOf(pid: number): readonly number[] {
  const running = runningProcesses();
  const family = new Set([pid]);
  // a parent may come after its children in the list: go on until nothing is new
  for (let known = 0; known < family.size; ) {
    known = family.size;
    for (const process of running) if (family.has(process.parent)) family.add(process.pid);
  }
  family.delete(pid);
  return [...family];
}

/** Those of some processes that still run; one that has ended and waits to be collected does not. */
export function survivors(pids: readonly number[]): readonly number[] {
  const running = new Set(runningProcesses().map(({ pid }) => pid));
  return pids.filter((pid) => running.has(pid));
}

function runningProcesses(): readonly Process[] {
  // small Linux systems have no ps
  return process.platform === 'linux' ? fromProc() : fromPs();
}

function fromProc(): readonly Process[] {
  const numbers = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return numbers.flatMap((name) => {
    // the command stands in parentheses and may hold anything, so the fields begin after the last one
    const [state = 'Z', parent = ''] = (readStat(name).split(') ').at(-1) ?? '').split(' ');
    return toProcess(name, parent, state);
  });
}

function readStat(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    // it ended since the folder was listed
    return '';
  }
}

function fromPs(): readonly Process[] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,stat='], { encoding: 'utf8' });
  return (stdout ?? '').split('\n').flatMap((line) => {
    const [pid = '', parent = '', state = 'Z'] = line.trim().split(/\s+/);
    return toProcess(pid, parent, state);
  });
}

function toProcess(pid: string, parent: string, state: string): readonly Process[] {
  return state.startsWith('Z') || parent === '' ? [] : [{ pid: Number(pid), parent: Number(parent) }];
}
