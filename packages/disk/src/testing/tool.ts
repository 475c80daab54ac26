import { spawnSync } from 'node:child_process';

/** Whether a command is installed. */
export function hasTool(name: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;
}
