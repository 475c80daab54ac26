import { closeSync, openSync, writeSync } from 'node:fs';
import { readdir, rm, stat, truncate } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client as PgClient } from 'pg';
import { until } from '../support/condition.ts';
import { jailsOf } from './jails.ts';
import { askRedis } from './redis-command.ts';
import { type ApiNode, isListening, MAX_CONNECTIONS, type Stack } from './stack.ts';

// What the nemesis can do. Each action leaves the cluster whole: what it stopped, runs again.

export interface Arena {
  readonly stack: Stack;
  readonly target: number;
  readonly lastsMs: number;
}

export interface Action {
  /** Of what only one at a time may be in somebody's hands. */
  readonly holds: 'redis' | 'postgres' | 'workers' | 'apis' | 'disk';
  /** Shortest and longest; of those that last no time, the wait before the victim may come back. */
  readonly lastsMs: readonly [number, number];
  /** Whether Redis may have lost what it had acknowledged, or refused to take more: then events may be missing in history. */
  readonly losesEvents?: boolean;
  /** Only where it is asked for: see docs/chaos.md for what is known to come of it. */
  readonly onRequest?: boolean;
  readonly impossible?: (stack: Stack) => string | undefined;
  readonly run: (arena: Arena) => Promise<Readonly<Record<string, unknown>>>;
}

const NONE = {} as const;

/** Attempts to kill at a time. */
const VICTIMS = 6;

export type ActionName = keyof typeof ACTIONS_BY_NAME;

const ACTIONS_BY_NAME = {
  'redis killed': {
    holds: 'redis',
    lastsMs: [0, 1_000],
    run: async ({ stack: { redis }, lastsMs }) => {
      await redis.kill();
      await delay(lastsMs);
      await redis.restart();
      return NONE;
    },
  },
  'redis away': {
    holds: 'redis',
    lastsMs: [5_000, 60_000],
    run: async ({ stack: { redis }, lastsMs }) => {
      await redis.stop();
      await delay(lastsMs);
      await redis.restart();
      return NONE;
    },
  },
  'redis silent': {
    holds: 'redis',
    lastsMs: [5_000, 15_000],
    run: async ({ stack: { redis }, lastsMs }) => {
      const { pid } = redis;
      process.kill(pid, 'SIGSTOP');
      await delay(lastsMs);
      process.kill(pid, 'SIGCONT');
      return { pid };
    },
  },
  'redis flushed': {
    holds: 'redis',
    lastsMs: [0, 0],
    losesEvents: true,
    run: async ({ stack: { redis } }) => ({ answer: await askRedis(redis.url, 'FLUSHALL') }),
  },
  'redis set back': {
    holds: 'redis',
    lastsMs: [0, 500],
    losesEvents: true,
    onRequest: true,
    run: async ({ stack: { redis }, lastsMs }) => {
      const before = await writtenFile(redis.url);
      await delay(1_000);
      await redis.kill();
      const cutBytes = await cutBack(redis.url, before);
      await delay(lastsMs);
      await redis.restart();
      return { cutBytes };
    },
  },
  'redis full': {
    holds: 'redis',
    lastsMs: [3_000, 10_000],
    losesEvents: true,
    run: async ({ stack: { redis }, lastsMs }) => {
      await askRedis(redis.url, 'CONFIG', 'SET', 'maxmemory', '1mb');
      await delay(lastsMs);
      await askRedis(redis.url, 'CONFIG', 'SET', 'maxmemory', '0');
      return NONE;
    },
  },
  'worker killed': {
    holds: 'workers',
    lastsMs: [0, 0],
    run: async ({ stack, target }) => {
      const worker = nth(stack.workers, target);
      const { pid } = worker;
      worker.signal('SIGKILL');
      return { worker: worker.name, pid };
    },
  },
  'all workers killed': {
    holds: 'workers',
    lastsMs: [0, 0],
    run: async ({ stack }) => {
      for (const worker of stack.workers) worker.signal('SIGKILL');
      return NONE;
    },
  },
  // its loop, its threads and its leases stand still, its jails go on: longer than a lock lasts
  'worker stopped': {
    holds: 'workers',
    lastsMs: [4_000, 12_000],
    run: async ({ stack, target, lastsMs }) => {
      const worker = nth(stack.workers, target);
      worker.signal('SIGSTOP');
      await delay(lastsMs);
      worker.signal('SIGCONT');
      return { worker: worker.name };
    },
  },
  'worker drained': {
    holds: 'workers',
    lastsMs: [0, 0],
    run: async ({ stack, target }) => {
      const worker = nth(stack.workers, target);
      worker.signal('SIGTERM');
      return { worker: worker.name };
    },
  },
  'attempt killed': {
    holds: 'workers',
    lastsMs: [1_000, 4_000],
    run: async ({ stack, lastsMs }) => {
      await until('a jail to start', () => jailsOf(workerPids(stack)).length > 0, { timeoutMs: 60_000 });
      const untilMs = performance.now() + lastsMs;
      let killed = 0;
      while (performance.now() < untilMs) {
        // those that were started last are the likeliest to be at work
        const victims = jailsOf(workerPids(stack)).slice(-VICTIMS);
        killed += victims.filter((jail) => signalGroup(jail, 'SIGKILL')).length;
        await delay(500);
      }
      return { killed };
    },
  },
  'attempt blocked': {
    holds: 'workers',
    lastsMs: [2_000, 6_000],
    run: async ({ stack, lastsMs }) => {
      await until('a jail to start', () => jailsOf(workerPids(stack)).length > 0, { timeoutMs: 60_000 });
      const jails = jailsOf(workerPids(stack));
      for (const jail of jails) signalGroup(jail, 'SIGSTOP');
      await delay(lastsMs);
      for (const jail of jails) signalGroup(jail, 'SIGCONT');
      return { jails: jails.length };
    },
  },
  'postgres restarted': {
    holds: 'postgres',
    lastsMs: [0, 4_000],
    run: async ({ stack: { postgres }, lastsMs }) => {
      await postgres.stop();
      await delay(lastsMs);
      await postgres.restart();
      return NONE;
    },
  },
  'postgres killed': {
    holds: 'postgres',
    lastsMs: [500, 4_000],
    run: async ({ stack: { postgres }, lastsMs }) => {
      await postgres.kill();
      await delay(lastsMs);
      const tries = await startAgain(() => postgres.restart());
      return { tries };
    },
  },
  'postgres used up': {
    holds: 'postgres',
    lastsMs: [3_000, 10_000],
    run: async ({ stack, lastsMs }) => {
      const taken = await takeConnections(stack.databaseUrl);
      await delay(lastsMs);
      await Promise.all(taken.map((client) => client.end().catch(() => {})));
      return { taken: taken.length };
    },
  },
  'api killed': {
    holds: 'apis',
    lastsMs: [0, 0],
    run: async ({ stack, target }) => killApi(nth(stack.apis, target)),
  },
  'all api nodes killed': {
    holds: 'apis',
    lastsMs: [0, 0],
    run: async ({ stack }) => {
      for (const { process } of stack.apis) process.signal('SIGKILL');
      for (const api of stack.apis) await isListening(api);
      return NONE;
    },
  },
  // the recorder and leader stands still, while others take its place
  'api stopped': {
    holds: 'apis',
    lastsMs: [4_000, 12_000],
    run: async ({ stack, target, lastsMs }) => {
      const api = nth(stack.apis, target);
      api.process.signal('SIGSTOP');
      await delay(lastsMs);
      api.process.signal('SIGCONT');
      return { api: api.name };
    },
  },
  'leader killed': {
    holds: 'apis',
    lastsMs: [0, 0],
    run: async ({ stack, target }) => killApi((await leaderOf(stack)) ?? nth(stack.apis, target)),
  },
  'api killed between commit and enqueue': {
    holds: 'redis',
    lastsMs: [600, 1_200],
    run: async ({ stack, target, lastsMs }) => {
      // while Redis is silent, what is posted is committed and goes no further
      const { pid } = stack.redis;
      process.kill(pid, 'SIGSTOP');
      await delay(lastsMs);
      const waiting = await notEnqueued(stack);
      const facts = await killApi(nth(stack.apis, target), () => void process.kill(pid, 'SIGCONT'));
      return { ...facts, waiting };
    },
  },
  'disk full': {
    holds: 'disk',
    lastsMs: [3_000, 8_000],
    impossible: ({ outputs }) => outputs.unbounded,
    run: async ({ stack, lastsMs }) => {
      const ballast = path.join(stack.outputs.folder, 'ballast');
      const bytes = fill(ballast);
      await delay(lastsMs);
      await rm(ballast);
      return { bytes };
    },
  },
} as const satisfies Readonly<Record<string, Action>>;

export const ACTIONS: Readonly<Record<ActionName, Action>> = ACTIONS_BY_NAME;

export const USUAL_ACTIONS: readonly ActionName[] = (Object.keys(ACTIONS) as ActionName[]).filter(
  (name) => ACTIONS[name].onRequest !== true,
);

function nth<Item>(items: readonly Item[], n: number): Item {
  return items[n % items.length] as Item;
}

function workerPids({ workers }: Stack): readonly number[] {
  return workers.map(({ pid }) => pid).filter((pid) => pid !== undefined);
}

function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(-pid, signal);
  } catch {
    // it has ended by itself
    return false;
  }
}

async function killApi(api: ApiNode, afterwards?: () => void): Promise<Readonly<Record<string, unknown>>> {
  const { pid } = api.process;
  api.process.signal('SIGKILL');
  afterwards?.();
  await isListening(api);
  return { api: api.name, pid };
}

/** The name of a holder begins with that of a node, or is one. */
async function leaderOf({ postgres, schema, apis }: Stack): Promise<ApiNode | undefined> {
  const rows = await postgres.query<{ holder: string }>(`select holder from ${schema}.leases`).catch(() => []);
  const holders = rows.map(({ holder }) => holder);
  return apis.find(({ name, process }) =>
    holders.some((holder) => holder.startsWith(name) || holder.includes(`-${process.pid}`)),
  );
}

async function notEnqueued({ postgres, schema }: Stack): Promise<number> {
  const question = `select count(*)::int as jobs from ${schema}.outbox join ${schema}.jobs on id = job where status = 'pending'`;
  const [row] = await postgres.query<{ jobs: number }>(question).catch(() => []);
  return row?.jobs ?? 0;
}

/** Until the server has no more to give. */
async function takeConnections(url: string): Promise<readonly PgClient[]> {
  const taken: PgClient[] = [];
  while (taken.length < MAX_CONNECTIONS) {
    const client = new PgClient({ connectionString: url, application_name: 'nemesis' });
    client.on('error', () => {});
    try {
      await client.connect();
      taken.push(client);
    } catch {
      break;
    }
  }
  return taken;
}

/** What a killed server leaves behind may be in the way for a moment. */
async function startAgain(start: () => Promise<void>): Promise<number> {
  let tries = 0;
  await until(
    'PostgreSQL to start again',
    () => {
      tries += 1;
      return start().then(
        () => true,
        () => false,
      );
    },
    { timeoutMs: 30_000, everyMs: 200 },
  );
  return tries;
}

function fill(file: string): number {
  const piece = Buffer.alloc(2 ** 16, 1);
  const handle = openSync(file, 'w');
  let bytes = 0;
  try {
    for (;;) bytes += writeSync(handle, piece, 0, bytes % 4096 === 0 ? piece.length : 1);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    return bytes;
  } finally {
    closeSync(handle);
  }
}

interface WrittenFile {
  readonly file: string;
  readonly bytes: number;
}

/** The append-only file that Redis writes to. */
async function writtenFile(url: string): Promise<WrittenFile> {
  const folder = path.join(path.dirname(url.replace(/^unix:/, '')), 'appendonlydir');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.incr.aof')).sort();
  const file = path.join(folder, names.at(-1) ?? '');
  return { file, bytes: (await stat(file)).size };
}

/** As if the machine had lost its power: what came after is gone. */
async function cutBack(url: string, before: WrittenFile): Promise<number> {
  const now = await writtenFile(url);
  // rewritten meanwhile: then there is nothing to go back to
  if (now.file !== before.file) return 0;
  await truncate(now.file, before.bytes);
  return now.bytes - before.bytes;
}
