import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { memoryOf } from '../usage.ts';

const run = promisify(execFile);

/**
 * Lets the kernel hold what the permission model promises: a process that may have no further descriptor opens no file and no
 * socket, whatever code it runs. Those it has stay good. Returns whether the kernel took the limits.
 */
export async function sealProcess(pid: number, prlimit: readonly string[], memoryMb: number): Promise<boolean> {
  const memory = memoryOf(pid);
  if (memory === undefined) return false;
  const limits = ['--nofile=0', '--fsize=0', '--core=0', `--data=${memory.dataBytes + memoryMb * 2 ** 20}`];
  const [file = '', ...args] = [...prlimit, '--pid', String(pid), ...limits];
  return run(file, args).then(
    () => true,
    () => false,
  );
}
