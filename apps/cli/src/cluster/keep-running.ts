import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError } from '../exit-code.ts';

/** A program of this repository that runs until it is told to stop. */
export interface Service {
  readonly name: string;
  /** Its main.ts. */
  readonly file: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface Keeping {
  /** Asks the service to stop: TERM, and KILL when it takes longer than `graceMs`. */
  readonly signal: AbortSignal;
  readonly graceMs: number;
  readonly say: (message: string) => void;
}

const END_WITH_PARENT = new URL('./end-with-parent.ts', import.meta.url).href;
/** A service that ends by itself sooner after its first start has been set up wrongly: starting it again would not help. */
const SETTLED_MS = 20_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

/**
 * Runs a service until told to stop, starting it again with growing pauses when it dies; resolves once it has ended.
 * @throws CommandError when it ended by itself soon after its first start
 */
export async function keepRunning(service: Service, keeping: Keeping): Promise<void> {
  const { signal, say } = keeping;
  let isFirst = true;
  for (let deaths = 0; !signal.aborted; deaths += 1) {
    const startedAtMs = Date.now();
    const ending = await runOnce(service, keeping);
    if (signal.aborted) return;
    const isSettled = Date.now() - startedAtMs >= SETTLED_MS;
    if (isFirst && !isSettled && !ending.isBySignal) {
      throw new CommandError('unexpected', `Cannot start ${service.name}: it ended with ${ending.how}`);
    }
    isFirst = false;
    if (isSettled) deaths = 0;
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** deaths, LONGEST_PAUSE_MS);
    say(`${service.name} ended with ${ending.how}; it starts again in ${pauseMs} ms`);
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

interface Ending {
  /** An exit code or the name of a signal, for people. */
  readonly how: string;
  readonly isBySignal: boolean;
}

async function runOnce({ file, args, environment }: Service, { signal, graceMs }: Keeping): Promise<Ending> {
  // a group of its own: Ctrl-C in the terminal reaches us alone, and we stop the parts in the right order
  const child = spawn(process.execPath, [`--import=${END_WITH_PARENT}`, file, ...args], {
    env: { ...environment },
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
    detached: true,
  });
  const ended = new Promise<Ending>((resolve) => {
    child.once('error', (error) => resolve({ how: error.message, isBySignal: false }));
    child.once('exit', (code, name) => resolve({ how: name ?? `exit code ${code}`, isBySignal: name !== null }));
  });
  const stop = () => void terminate(child, ended, graceMs);
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  return ended.finally(() => signal.removeEventListener('abort', stop));
}

async function terminate(child: ChildProcess, ended: Promise<unknown>, graceMs: number): Promise<void> {
  child.kill('SIGTERM');
  const timer = new AbortController();
  const late = sleep(graceMs, true, { signal: timer.signal }).catch(() => false);
  const tooLate = await Promise.race([late, ended.then(() => false)]);
  timer.abort();
  if (tooLate && child.pid !== undefined) killGroup(child.pid);
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // it ended just now
  }
}
