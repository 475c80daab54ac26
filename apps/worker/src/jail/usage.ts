import { readFileSync } from 'node:fs';

/** What a process has used so far, as the kernel counts it. */
export interface Usage {
  readonly peakMemoryBytes: number;
  readonly cpuMs: number;
}

export interface Memory {
  readonly residentBytes: number;
  readonly peakBytes: number;
  /** Private writable memory, which is what RLIMIT_DATA counts. */
  readonly dataBytes: number;
}

/** Linux counts CPU time for user space in hundredths of a second. */
const MS_PER_TICK = 10;

/** `undefined` when the process is gone, or the host has no /proc. */
export function usageOf(pid: number): Usage | undefined {
  const memory = memoryOf(pid);
  const cpuMs = cpuTimeOf(pid);
  return memory === undefined || cpuMs === undefined ? undefined : { peakMemoryBytes: memory.peakBytes, cpuMs };
}

/** What an attempt used: loading the code before was not its doing, but the peak of memory is. */
export function usageSince(before: Usage | undefined, after: Usage | undefined): Usage | undefined {
  if (before === undefined || after === undefined) return undefined;
  return { peakMemoryBytes: after.peakMemoryBytes, cpuMs: after.cpuMs - before.cpuMs };
}

export function memoryOf(pid: number): Memory | undefined {
  const status = readProc(pid, 'status');
  const kib = (field: string) => Number(status?.match(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm'))?.[1] ?? Number.NaN);
  const memory = {
    residentBytes: kib('VmRSS') * 1024,
    peakBytes: kib('VmHWM') * 1024,
    dataBytes: kib('VmData') * 1024,
  };
  // a zombie has a status, but no memory any more
  return Number.isNaN(memory.residentBytes) ? undefined : memory;
}

function cpuTimeOf(pid: number): number | undefined {
  const stat = readProc(pid, 'stat');
  // the second field is the program's name in brackets, which may itself hold spaces and brackets
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields === undefined ? undefined : (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}

function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return undefined;
  }
}
