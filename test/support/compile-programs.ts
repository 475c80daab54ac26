import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const ROOT = path.join(import.meta.dirname, '../..');
/** Where programs that tests start find what was compiled of them. */
export const COMPILED = path.join(ROOT, '.guestkit/test/compiled');
const PROGRAMS = ['apps/api/src/node.ts', 'apps/worker/src/worker.ts'];

/**
 * Compiles the programs of a cluster before the first run: each start would do it again, at three times the cost of one that finds
 * it done, because most tests kill what they start, and Node stores what it has compiled when a process ends.
 */
export async function setup(): Promise<void> {
  if (existsSync(COMPILED)) return;
  await Promise.all(PROGRAMS.map(compile));
}

async function compile(program: string): Promise<void> {
  const load = `await import(${JSON.stringify(path.join(ROOT, program))})`;
  const env = { ...process.env, NODE_COMPILE_CACHE: COMPILED };
  await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', load], { cwd: ROOT, env });
}
