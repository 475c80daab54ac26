import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { until } from './condition.ts';
import { startRedis, type TestRedis } from './redis-server.ts';

const ROOT = path.join(import.meta.dirname, '../..');
/** A start takes seconds of processor time, which others may want too. */
const START = { timeoutMs: 120_000 };
const MAIN = {
  api: 'apps/api/src/main.ts',
  worker: 'apps/worker/src/main.ts',
  misbehavingWorker: 'test/support/misbehaving-worker.ts',
};

/** Environment of a process, by the names that the configuration documents. */
export type Settings = Readonly<Record<string, string>>;

export interface ClusterOptions {
  readonly apiNodes?: number;
  readonly workers?: number;
  readonly apiSettings?: Settings;
  readonly workerSettings?: Settings;
  /** Whether workers know the operations of misbehaving-runners.ts in place of the real ones. */
  readonly misbehaving?: boolean;
}

/** A process of the cluster, started from its main file as a user would. */
export interface ClusterProcess {
  readonly name: string;
  readonly pid: number;
  /** All it wrote so far. */
  readonly log: () => string;
  readonly isRunning: () => boolean;
  /** SIGTERM, and the exit code. */
  stop(): Promise<number | null>;
  kill(): Promise<void>;
}

export interface ApiProcess extends ClusterProcess {
  readonly url: string;
  /** The `data` of an answer. @throws Error with status, code and message when the answer is an error */
  call<Data>(method: string, route: string, body?: unknown): Promise<Data>;
}

/** A whole cluster as processes: real Redis, API nodes, workers. `await using` ends all of it. */
export interface Cluster extends AsyncDisposable {
  readonly redis: TestRedis;
  readonly folder: string;
  readonly apis: readonly ApiProcess[];
  readonly workers: readonly ClusterProcess[];
  addWorker(settings?: Settings): Promise<ClusterProcess>;
  addApi(settings?: Settings): Promise<ApiProcess>;
}

export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const folder = await mkdtemp(path.join(tmpdir(), 'gk-cluster-'));
  const redis = await startRedis();
  const apis: ApiProcess[] = [];
  const workers: ClusterProcess[] = [];
  const shared = { REDIS_URL: redis.url, GUESTKIT_DATA_DIR: folder };
  const addApi = async (settings: Settings = {}) => {
    const api = await launchApi(`api ${apis.length + 1}`, { ...shared, ...options.apiSettings, ...settings });
    apis.push(api);
    return api;
  };
  const addWorker = async (settings: Settings = {}) => {
    const id = `worker-${workers.length + 1}`;
    const own = { GUESTKIT_WORKER_ID: id, GUESTKIT_METRICS_PORT: '0', ...options.workerSettings, ...settings };
    const main = options.misbehaving ? MAIN.misbehavingWorker : MAIN.worker;
    const worker = launch(id, main, { ...shared, ...own });
    workers.push(worker);
    const [api] = apis;
    if (api !== undefined) await isRegistered(api, own.GUESTKIT_WORKER_ID, worker);
    return worker;
  };
  const dispose = async () => {
    await Promise.all([...workers, ...apis].map((process) => process.kill()));
    await redis[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    // the first makes the database, the others find it
    for (let n = 0; n < (options.apiNodes ?? 1); n += 1) await addApi();
    await Promise.all(Array.from({ length: options.workers ?? 1 }, () => addWorker()));
  } catch (error) {
    await dispose();
    throw error;
  }
  return { redis, folder, apis, workers, addWorker, addApi, [Symbol.asyncDispose]: dispose };
}

async function launchApi(name: string, settings: Settings): Promise<ApiProcess> {
  const port = settings.GUESTKIT_PORT ?? String(await freePort());
  const url = `http://127.0.0.1:${port}`;
  const api = launch(name, MAIN.api, { ...settings, GUESTKIT_PORT: port });
  await until(
    `${name} to listen`,
    async () => {
      if (!api.isRunning()) throw new Error(`Cannot start ${name}: it ended\n${api.log()}`);
      return isOk(`${url}/health/live`);
    },
    START,
  );
  const key = settings.GUESTKIT_API_KEY;
  return { ...api, url, call: (method, route, body) => call({ url, key }, method, route, body) };
}

function launch(name: string, main: string, settings: Settings): ClusterProcess {
  const { PATH = '', HOME = '', NODE_COMPILE_CACHE = '' } = process.env;
  const env = { PATH, HOME, NODE_COMPILE_CACHE, GUESTKIT_LOG_LEVEL: 'info', ...settings };
  const child = spawn(process.execPath, [path.join(ROOT, main)], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const written: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => written.push(text.toString()));
  // a test run that is killed must not leave processes behind
  const killChild = () => child.kill('SIGKILL');
  process.once('exit', killChild);
  child.once('exit', () => process.removeListener('exit', killChild));
  const end = (signal: NodeJS.Signals) => endWith(child, signal);
  return {
    name,
    pid: child.pid ?? 0,
    log: () => written.join(''),
    isRunning: () => child.exitCode === null && child.signalCode === null,
    stop: () => end('SIGTERM'),
    kill: async () => void (await end('SIGKILL')),
  };
}

async function endWith(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
  return child.exitCode;
}

async function isRegistered(api: ApiProcess, workerId: string, worker: ClusterProcess): Promise<void> {
  await until(
    `${worker.name} to register`,
    async () => {
      if (!worker.isRunning()) throw new Error(`Cannot start ${worker.name}: it ended\n${worker.log()}`);
      const { workers } = await api.call<{ workers: { worker_id: string }[] }>('GET', '/api/v1/workers');
      return workers.some((entry) => entry.worker_id === workerId);
    },
    START,
  );
}

interface Target {
  readonly url: string;
  readonly key: string | undefined;
}

async function call<Data>(target: Target, method: string, route: string, body?: unknown): Promise<Data> {
  const answer = await fetch(target.url + route, {
    method,
    headers: {
      'content-type': 'application/json',
      ...(target.key === undefined ? {} : { authorization: `Bearer ${target.key}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const content = (await answer.json()) as { data: Data; error?: string; message?: string };
  if (!answer.ok) throw new Error(`${method} ${route}: ${answer.status} ${content.error}: ${content.message}`);
  return content.data;
}

/** Whether a URL answers, and with success. */
export async function isOk(url: string): Promise<boolean> {
  const answer = await fetch(url).catch(() => undefined);
  await answer?.body?.cancel();
  return answer?.ok === true;
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
