import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { descendantsOf, survivors } from './processes.ts';

const COMMAND = fileURLToPath(new URL('../../apps/cli/bin/guestkit-worker.js', import.meta.url));
const START_MS = 90_000;
const STOP_MS = 20_000;
const PAUSE_MS = 50;
const TOLD_LINES = 15;

export interface DemoCluster extends AsyncDisposable {
  readonly url: string;
}

export interface DemoClusterOptions {
  /** Private to the demo: database, Redis and log go there. */
  readonly folder: string;
  readonly imageRoot: string;
  readonly workers: number;
  readonly signal: AbortSignal;
}

/** Starts `guestkit-worker up` on a free port and waits until it serves; disposing stops it and makes sure that all of it is gone. */
export async function startCluster(options: DemoClusterOptions): Promise<DemoCluster> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const log = path.join(options.folder, 'cluster.log');
  const child = spawnCluster(options, { port, log });
  try {
    await untilReady(child, { url, ...options });
  } catch (error) {
    await stop(child);
    throw new Error(`${error instanceof Error ? error.message : error}\n${lastLines(log)}`, { cause: error });
  }
  return { url, [Symbol.asyncDispose]: () => stop(child) };
}

function spawnCluster(
  { folder, imageRoot, workers }: DemoClusterOptions,
  { port, log }: { readonly port: number; readonly log: string },
): ChildProcess {
  const flags = {
    workers,
    port,
    'data-dir': path.join(folder, 'data'),
    'image-roots': imageRoot,
    references: 'same-directory',
    'metrics-port': 0,
    'log-level': 'warn',
  };
  const output = openSync(log, 'a');
  const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
  const child = spawn(process.execPath, [COMMAND, 'up', ...args], {
    stdio: ['ignore', output, output],
    env: privateEnvironment(),
    // Ctrl-C reaches the demo alone, which then stops the cluster in order
    detached: true,
  });
  closeSync(output);
  return child;
}

/** Without what would connect the demo to a real cluster of this host. */
function privateEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(GUESTKIT_|REDIS_URL$|DATABASE_URL$)/.test(name));
  return Object.fromEntries(kept);
}

async function untilReady(
  child: ChildProcess,
  { url, workers, signal }: { readonly url: string; readonly workers: number; readonly signal: AbortSignal },
): Promise<void> {
  const deadlineMs = Date.now() + START_MS;
  while ((await liveWorkers(url)) < workers) {
    signal.throwIfAborted();
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('Cannot start the cluster: it ended');
    if (Date.now() > deadlineMs) throw new Error(`Cannot start the cluster: it is not ready after ${START_MS} ms`);
    await sleep(PAUSE_MS);
  }
}

async function liveWorkers(url: string): Promise<number> {
  try {
    const answer = await fetch(`${url}/api/v1/workers`);
    const body = (await answer.json()) as { readonly data?: { readonly total?: number } };
    return body.data?.total ?? 0;
  } catch {
    // not listening yet
    return 0;
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return;
  const family = [child.pid, ...descendantsOf(child.pid)];
  child.kill('SIGTERM');
  const deadlineMs = Date.now() + STOP_MS;
  while (survivors(family).length > 0 && Date.now() < deadlineMs) await sleep(PAUSE_MS);
  const left = survivors(family);
  for (const pid of left) process.kill(pid, 'SIGKILL');
  if (left.length > 0) throw new Error(`Cannot stop the cluster in time: killed ${left.length} processes`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('Cannot find a free port');
  return address.port;
}

function lastLines(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-TOLD_LINES).join('\n');
}
