import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));

/** An API node in a process of its own. */
export interface ApiProcess extends AsyncDisposable {
  readonly url: string;
  signal(name: NodeJS.Signals): void;
  /** Resolves with the exit code, or the name of the signal that ended it. */
  readonly ended: Promise<number | string>;
}

/** Starts main.ts and waits until it listens. */
export async function startApiProcess(
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): Promise<ApiProcess> {
  const child = launch({ ...env, GUESTKIT_LOG_LEVEL: 'info' }, args);
  const url = await urlFrom(child);
  const ended = once(child, 'exit').then(([code, signal]): number | string => signal ?? code);
  return {
    url,
    signal: (name) => child.kill(name),
    ended,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Runs main.ts to its end, for what it refuses. */
export async function runToEnd(
  env: Readonly<Record<string, string>>,
  args: readonly string[],
): Promise<{ readonly code: number | string; readonly stderr: string }> {
  const child = launch(env, args);
  const exited = once(child, 'exit');
  child.stdout?.resume();
  const stderr = child.stderr ? Buffer.concat(await Array.fromAsync(child.stderr)).toString() : '';
  const [code, signal] = await exited;
  return { code: signal ?? code, stderr };
}

function launch(env: Readonly<Record<string, string>>, args: readonly string[]): ChildProcess {
  // nothing of the environment of the tests, which may name a Redis
  const { PATH, HOME, NODE_COMPILE_CACHE } = process.env;
  const clean = { PATH, HOME, NODE_COMPILE_CACHE };
  return spawn(process.execPath, [MAIN, ...args], { env: { ...clean, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
}

async function urlFrom(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new TypeError('Cannot read the output of the API: it is not a pipe');
  for await (const line of createInterface({ input: child.stdout })) {
    const { url }: { url?: string } = JSON.parse(line);
    if (url === undefined) continue;
    // nobody reads on, and a full pipe would stop the process
    child.stdout.resume();
    return url;
  }
  throw new Error('Cannot start the API: it ended before it listened');
}
