import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A real redis-server of one test, on a unix socket in a folder of its own. `await using` removes both. */
export interface TestRedis extends AsyncDisposable {
  /** What `connectRedis` takes: `unix:/…/redis.sock`. */
  readonly url: string;
  /** Where its append-only file is, in `appendonlydir`. */
  readonly folder: string;
  readonly pid: number;
  /** Ends it in an orderly way; the append-only file stays for `restart`. */
  stop(): Promise<void>;
  /** Ends it with SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again on the same socket and files. */
  restart(): Promise<void>;
}

export interface TestRedisOptions {
  /** More command line, such as `['--maxmemory-policy', 'allkeys-lru']`. */
  readonly args?: readonly string[];
}

export async function startRedis(options: TestRedisOptions = {}): Promise<TestRedis> {
  // a short folder name: the path of a unix socket holds about 100 bytes
  const folder = await mkdtemp(path.join(tmpdir(), 'gk-redis-'));
  const socket = path.join(folder, 'redis.sock');
  let server = await launch(folder, socket, options.args ?? []);
  const end = async (signal: NodeJS.Signals) => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, 'exit');
    server.kill(signal);
    await exited;
  };
  return {
    url: `unix:${socket}`,
    folder,
    get pid() {
      return server.pid ?? 0;
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    async restart() {
      await end('SIGTERM');
      server = await launch(folder, socket, options.args ?? []);
    },
    async [Symbol.asyncDispose]() {
      await end('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function launch(folder: string, socket: string, args: readonly string[]): Promise<ChildProcess> {
  await rm(socket, { force: true });
  const settings = ['--port', '0', '--unixsocket', socket, '--dir', folder, '--save', '', '--appendonly', 'yes'];
  const command = ['redis-server', ...settings, '--appendfsync', 'everysec', ...args];
  // a test run that is killed must not leave servers behind
  const [program = '', ...rest] =
    process.platform === 'linux' ? ['setpriv', '--pdeathsig', 'KILL', ...command] : command;
  const server = spawn(program, rest, { stdio: 'ignore' });
  await once(server, 'spawn');
  const killServer = () => server.kill('SIGKILL');
  process.once('exit', killServer);
  server.once('exit', () => process.removeListener('exit', killServer));
  while (!(await answersPing(socket))) {
    if (server.exitCode !== null) throw new Error(`Cannot start redis-server: it ended with ${server.exitCode}`);
    await delay(5);
  }
  return server;
}

/** True once the server has loaded its files: before that it answers `-LOADING`. */
async function answersPing(socket: string): Promise<boolean> {
  const connection = connect(socket);
  try {
    await once(connection, 'connect');
    connection.write('PING\r\n');
    const [answer] = await once(connection, 'data');
    return String(answer).startsWith('+PONG');
  } catch {
    return false;
  } finally {
    connection.destroy();
  }
}
