import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { probeSocket } from './probe-socket.ts';
import { chooseSocket, forgetSocket, knownSocket } from './socket-path.ts';
import { tryLock } from './start-lock.ts';

export interface EmbeddedRedisOptions {
  /** Its files are in `redis` below this folder. */
  readonly dataDir: string;
  /** Told when the server ends though nobody asked it to. */
  readonly onUnexpectedEnd?: (error: Error) => void;
}

export interface EmbeddedRedis extends AsyncDisposable {
  /** For `connectRedis`. */
  readonly url: string;
  /** False when another process had started the server, and will end it. */
  readonly isOwner: boolean;
}

const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 5_000;
const LOOK_AGAIN_MS = 25;

const run = promisify(execFile);

/**
 * Opens the private redis-server of a data folder: the one that runs there, or else a new one, which ends with its owner. On Linux
 * it ends even when the owner is killed; elsewhere it then stays, and the next process to open the folder uses it.
 */
export async function openEmbeddedRedis(options: EmbeddedRedisOptions): Promise<EmbeddedRedis> {
  const folder = path.resolve(options.dataDir, 'redis');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const deadlineMs = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < deadlineMs) {
    const opened = (await attach(folder)) ?? (await startAlone(folder, options));
    if (opened) return opened;
    // another process is just starting it, or it still reads its files
    await delay(LOOK_AGAIN_MS);
  }
  throw new Error(
    `Cannot open the embedded Redis in "${folder}": no answer in ${START_TIMEOUT_MS} ms, see "redis.log" there`,
  );
}

async function attach(folder: string): Promise<EmbeddedRedis | undefined> {
  const socket = await knownSocket(folder);
  if (socket === undefined || (await probeSocket(socket)) !== 'ready') return undefined;
  return { url: `unix:${socket}`, isOwner: false, [Symbol.asyncDispose]: async () => {} };
}

async function startAlone(folder: string, options: EmbeddedRedisOptions): Promise<EmbeddedRedis | undefined> {
  await using lock = await tryLock(path.join(folder, 'starting'));
  if (lock === undefined) return undefined;
  const socket = await chooseSocket(folder);
  // one that started after we looked must not lose its socket to a second
  if ((await probeSocket(socket)) !== 'absent') return undefined;
  const server = await start(folder, socket);
  return own(server, folder, socket, options);
}

async function start(folder: string, socket: string): Promise<ChildProcess> {
  const [command, ...args] = [...(await commandPrefix()), 'redis-server', ...settings(folder, socket)];
  await rm(socket, { force: true });
  // a session of its own: Ctrl-C is for the programs that use Redis, which end it when they are done
  const server = spawn(command ?? 'redis-server', args, { stdio: 'ignore', detached: true });
  await once(server, 'spawn');
  while ((await probeSocket(socket)) !== 'ready') {
    if (server.exitCode !== null || server.signalCode !== null) {
      const code = server.exitCode ?? server.signalCode;
      throw new Error(`Cannot start the embedded Redis: redis-server ended with ${code}, see "${logFile(folder)}"`);
    }
    await delay(LOOK_AGAIN_MS);
  }
  return server;
}

/** With `setpriv` (Linux), the kernel ends the server when the process that started it is gone. */
async function commandPrefix(): Promise<readonly string[]> {
  await assertInstalled();
  const prefix = ['setpriv', '--pdeathsig', 'TERM'];
  return run('setpriv', [...prefix.slice(1), 'redis-server', '--version']).then(
    () => prefix,
    () => [],
  );
}

async function assertInstalled(): Promise<void> {
  await run('redis-server', ['--version']).catch((cause) => {
    throw new Error(
      'Cannot start the embedded Redis: redis-server is not on the PATH. Install it ' +
        '(Debian, Ubuntu: "apt-get install redis-server"; macOS: "brew install redis") or name a running one with REDIS_URL',
      { cause },
    );
  });
}

function settings(folder: string, socket: string): readonly string[] {
  const values = {
    port: '0',
    unixsocket: socket,
    unixsocketperm: '700',
    dir: folder,
    logfile: logFile(folder),
    loglevel: 'notice',
    save: '',
    appendonly: 'yes',
    appendfsync: 'everysec',
    'maxmemory-policy': 'noeviction',
    // a job stays in the compact form: a quarter less memory. Redis 7 also takes this older name of "listpack"
    'hash-max-ziplist-value': '2048',
  };
  return Object.entries(values).flatMap(([name, value]) => [`--${name}`, value]);
}

function own(server: ChildProcess, folder: string, socket: string, options: EmbeddedRedisOptions): EmbeddedRedis {
  const stopOnExit = () => server.kill('SIGTERM');
  const report = (code: number | null, signal: NodeJS.Signals | null) =>
    options.onUnexpectedEnd?.(
      new Error(`The embedded Redis ended with ${code ?? signal}, though it was in use; see "${logFile(folder)}"`),
    );
  process.once('exit', stopOnExit);
  server.once('exit', report);
  // a program that forgets to dispose of it can still end: the server then ends by `stopOnExit`
  server.unref();
  return {
    url: `unix:${socket}`,
    isOwner: true,
    async [Symbol.asyncDispose]() {
      process.removeListener('exit', stopOnExit);
      server.removeListener('exit', report);
      await stop(server);
      await forgetSocket(folder);
    },
  };
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exited = once(server, 'exit');
  server.ref();
  server.kill('SIGTERM');
  const kill = setTimeout(() => server.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(kill);
}

function logFile(folder: string): string {
  return path.join(folder, 'redis.log');
}
