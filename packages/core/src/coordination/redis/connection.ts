import { setTimeout as delay } from 'node:timers/promises';
import { Redis, type RedisOptions } from 'ioredis';

/**
 * `client`: a command fails at once while Redis is away, so that a request can be answered.
 * `consumer`: a command waits until Redis is back, so that a loop goes on where it was.
 */
export type RedisRole = 'client' | 'consumer';

export interface RedisConnectOptions {
  readonly role: RedisRole;
  /** Told of every fault of the socket; the connection mends itself. */
  readonly onError?: (error: Error) => void;
  /** How long to wait for the first connection. */
  readonly timeoutMs?: number;
}

/** A connection to Redis that reconnects for ever, until it is disposed of. */
export interface RedisConnection extends AsyncDisposable {
  readonly client: Redis;
  /** Where it leads to, without the password. */
  readonly address: string;
  readonly isReady: boolean;
  /** Another connection to the same server; whoever asks for it disposes of it. */
  duplicate(role: RedisRole): RedisConnection;
}

const FIRST_CONNECTION_MS = 10_000;
const LONGEST_RECONNECT_MS = 1_000;
const QUIT_MS = 500;

/** Connects to `redis://…`, `rediss://…`, `unix:/path` or `/path`; resolves when Redis answers. */
export async function connectRedis(url: string, options: RedisConnectOptions): Promise<RedisConnection> {
  const connection = open(url, options);
  const lastError = rememberLastError(connection.client);
  if (await becomesReady(connection.client, options.timeoutMs ?? FIRST_CONNECTION_MS)) return connection;
  await connection[Symbol.asyncDispose]();
  throw new Error(`Cannot reach Redis at ${connection.address}: ${lastError()?.message ?? 'no answer'}`, {
    cause: lastError(),
  });
}

function open(url: string, options: RedisConnectOptions): RedisConnection {
  const client = createClient(url, options.role);
  client.on('error', (error: Error) => options.onError?.(error));
  return {
    client,
    address: addressOf(url),
    get isReady() {
      return client.status === 'ready';
    },
    duplicate: (role) => open(url, { ...options, role }),
    [Symbol.asyncDispose]: () => close(client),
  };
}

function createClient(url: string, role: RedisRole): Redis {
  const options: RedisOptions = {
    ...OPTIONS_OF[role],
    disableClientInfo: true,
    retryStrategy: (attempt) =>
      Math.min(50 * 2 ** Math.min(attempt, 10), LONGEST_RECONNECT_MS) * (0.5 + Math.random() / 2),
  };
  const path = socketPathOf(url);
  return path === undefined ? new Redis(url, options) : new Redis({ ...options, path });
}

const OPTIONS_OF: Readonly<Record<RedisRole, RedisOptions>> = {
  client: { enableOfflineQueue: false, maxRetriesPerRequest: 1 },
  // BullMQ refuses a blocking connection that gives up on a command
  consumer: { enableOfflineQueue: true, maxRetriesPerRequest: null },
};

function socketPathOf(url: string): string | undefined {
  if (url.startsWith('/')) return url;
  return url.startsWith('unix:') ? url.replace(/^unix:(\/\/)?/, '') : undefined;
}

function addressOf(url: string): string {
  return socketPathOf(url) ?? url.replace(/\/\/[^@/]*@/, '//');
}

function rememberLastError(client: Redis): () => Error | undefined {
  let last: Error | undefined;
  client.on('error', (error: Error) => {
    last = error;
  });
  return () => last;
}

/** An error of one attempt to connect is not the end: the next may succeed. */
function becomesReady(client: Redis, timeoutMs: number): Promise<boolean> {
  if (client.status === 'ready') return Promise.resolve(true);
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, timeoutMs, false);
    client.once('ready', () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}

/** Says goodbye if Redis listens; otherwise just hangs up. What still waits for an answer fails. */
async function close(client: Redis): Promise<void> {
  if (client.status === 'ready') {
    await Promise.race([client.quit().catch(() => {}), delay(QUIT_MS, undefined, { ref: false })]);
  }
  client.disconnect();
  // between two attempts to connect ioredis would stop silently, and never answer what waits: one more attempt ends it
  if (client.status === 'reconnecting')
    client.connect().then(
      () => client.disconnect(),
      () => {},
    );
}
