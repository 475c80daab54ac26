import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { makeGuestImage } from '../../apps/worker/src/testing/guest-image.ts';
import { freePort, isOk } from '../support/cluster.ts';
import { until } from '../support/condition.ts';
import { startPostgres, type TestPostgres } from '../support/postgres-server.ts';
import { startRedis, type TestRedis } from '../support/redis-server.ts';
import { Supervised } from './supervised.ts';

export interface StackOptions {
  readonly apiNodes?: number;
  readonly workers?: number;
  readonly workerSettings?: Readonly<Record<string, string>>;
  /** Whose patches the processes are started with. */
  readonly variant?: string | undefined;
}

export interface ApiNode {
  readonly name: string;
  readonly url: string;
  readonly process: Supervised;
}

/** A whole cluster: Redis, PostgreSQL, API nodes and workers, each a process that is started again when it ends. */
export interface Stack extends AsyncDisposable {
  readonly folder: string;
  readonly image: string;
  readonly outputs: OutputRoot;
  readonly redis: TestRedis;
  readonly postgres: TestPostgres;
  readonly databaseUrl: string;
  /** Of PostgreSQL, where the tables are. */
  readonly schema: string;
  readonly apis: readonly ApiNode[];
  readonly workers: readonly Supervised[];
}

/** Where results are written. */
export interface OutputRoot {
  readonly folder: string;
  /** Why it cannot be filled up, where it cannot. */
  readonly unbounded: string | undefined;
}

const ROOT = path.join(import.meta.dirname, '../..');
const PRELOAD = path.join(import.meta.dirname, 'preload.ts');
const API_MAIN = path.join(ROOT, 'apps/api/src/main.ts');
const WORKER_MAIN = path.join(ROOT, 'apps/worker/src/main.ts');
const START_MS = 120_000;
const OUTPUT_MIB = 64;

/** Two nodes with their pools, the harness, and three that PostgreSQL keeps back: few enough to be taken all. */
export const MAX_CONNECTIONS = 60;

export async function startStack(options: StackOptions = {}): Promise<Stack> {
  await using opened = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), 'gk-chaos-'));
  opened.defer(() => rm(folder, { recursive: true, force: true }));
  for (const name of ['logs', 'data', 'images', 'outputs']) mkdirSync(path.join(folder, name));
  const image = makeGuestImage(path.join(folder, 'images'));
  const outputs = opened.use(openOutputRoot(path.join(folder, 'outputs')));
  const redis = opened.use(await startRedis());
  const postgres = opened.use(await startPostgres({ settings: { max_connections: String(MAX_CONNECTIONS) } }));
  const databaseUrl = await postgres.newSchema();
  const env = {
    ...commonEnv(folder),
    REDIS_URL: redis.url,
    DATABASE_URL: databaseUrl,
    ...(options.variant === undefined ? {} : { CHAOS_VARIANT: options.variant }),
  };
  const apis: ApiNode[] = [];
  for (let n = 1; n <= (options.apiNodes ?? 2); n += 1) {
    const node = await startApi(n, env, path.join(folder, 'logs'));
    opened.use(node.process);
    apis.push(node);
    // the first makes the tables, the others find them
    await isListening(node);
  }
  const workers = numbers(options.workers ?? 3).map((n) =>
    opened.use(startWorker(n, { ...env, ...workerEnv({ image, outputs, n }), ...options.workerSettings }, folder)),
  );
  await areRegistered(apis, workers.length);
  const schema = /search_path%3D(\w+)/.exec(databaseUrl)?.[1] ?? 'public';
  const resources = opened.move();
  return {
    ...{ folder, image, outputs, redis, postgres, databaseUrl, schema, apis, workers },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

function commonEnv(folder: string): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    HOME: process.env.HOME ?? '',
    NODE_COMPILE_CACHE: path.join(tmpdir(), 'guestkit-compile-cache'),
    NODE_OPTIONS: `--import=${PRELOAD}`,
    GUESTKIT_DATA_DIR: path.join(folder, 'data'),
    GUESTKIT_LOG_LEVEL: 'info',
  };
}

async function startApi(n: number, env: Readonly<Record<string, string>>, logs: string): Promise<ApiNode> {
  const port = await freePort();
  const name = `api-${n}`;
  const process = new Supervised({
    name,
    command: [nodeProgram(), API_MAIN],
    // the first comes back under its old name, the others under a new one each time
    env: { ...env, GUESTKIT_PORT: String(port), ...(n === 1 ? { GUESTKIT_NODE_ID: name } : {}) },
    logFile: path.join(logs, `${name}.log`),
  });
  return { name, url: `http://127.0.0.1:${port}`, process };
}

interface WorkerPlace {
  readonly image: string;
  readonly outputs: OutputRoot;
  readonly n: number;
}

function workerEnv({ image, outputs, n }: WorkerPlace): Record<string, string> {
  return {
    GUESTKIT_WORKER_ID: `worker-${n}`,
    GUESTKIT_METRICS_PORT: '0',
    GUESTKIT_SLOTS: '4',
    GUESTKIT_IMAGE_ROOTS: path.dirname(image),
    GUESTKIT_OUTPUT_ROOTS: outputs.folder,
    GUESTKIT_JAIL_MEMORY_MB: '128',
    GUESTKIT_KILL_GRACE_MS: '500',
    // no job of these runs deserves to be given up for what the nemesis does to workers
    GUESTKIT_MAX_LOST_ATTEMPTS: '1000',
  };
}

function startWorker(n: number, env: Readonly<Record<string, string>>, folder: string): Supervised {
  const name = `worker-${n}`;
  const logFile = path.join(folder, 'logs', `${name}.log`);
  return new Supervised({ name, command: [nodeProgram(), WORKER_MAIN], env, logFile });
}

function nodeProgram(): string {
  return process.execPath;
}

function numbers(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

export async function isListening({ name, url }: ApiNode): Promise<void> {
  await until(`${name} to be ready`, () => isOk(`${url}/health/ready`), { timeoutMs: START_MS, everyMs: 50 });
}

async function areRegistered(apis: readonly ApiNode[], count: number): Promise<void> {
  const [api] = apis;
  if (api === undefined) return;
  await until(
    `${count} workers to register`,
    async () => {
      const answer = await fetch(`${api.url}/api/v1/workers`);
      const { data } = (await answer.json()) as { data: { workers: readonly unknown[] } };
      return data.workers.length >= count;
    },
    { timeoutMs: START_MS, everyMs: 100 },
  );
}

/** A small filesystem of its own where that can be had, so that it can be full. */
function openOutputRoot(folder: string): OutputRoot & Disposable {
  const options = ['-t', 'tmpfs', '-o', `size=${OUTPUT_MIB}m,mode=755`, 'tmpfs', folder];
  const mounted = process.platform === 'linux' && spawnSync('mount', options, { stdio: 'ignore' }).status === 0;
  return {
    folder,
    unbounded: mounted ? undefined : 'a small filesystem takes root and mount(8)',
    [Symbol.dispose]: () => void (mounted && execFileSync('umount', ['--lazy', folder])),
  };
}
