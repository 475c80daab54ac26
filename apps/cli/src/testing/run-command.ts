import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../../..');

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command as `npx` finds it. */
export function commandFile(command: 'guestctl' | 'guestkit-worker'): string {
  return path.join(ROOT, 'node_modules', '.bin', command);
}

/** Runs a command to its end, as a shell would from the root of the repository. */
export function runCommand(
  command: 'guestctl' | 'guestkit-worker',
  args: readonly string[],
  { env = {}, input = '' }: { readonly env?: Readonly<Record<string, string>>; readonly input?: string } = {},
): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [commandFile(command), ...args], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    input,
    // far above what anything takes: a command that hangs would hang the tests
    timeout: 60_000,
    maxBuffer: 2 ** 28,
  });
  return { code: status, stdout, stderr };
}

/** The document that a command printed. @throws when it failed */
// biome-ignore lint/suspicious/noExplicitAny: tests look into documents of many shapes
export function runForJson(command: 'guestctl' | 'guestkit-worker', args: readonly string[]): any {
  const { code, stdout, stderr } = runCommand(command, [...args, '--output', 'json']);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${stderr}`);
  return JSON.parse(stdout);
}
