import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readApiConfig } from '@guestkit/core/config/api-config';
import { createLogger } from '@guestkit/core/telemetry/logger';
import { startRedis, type TestRedis } from '../../../../test/support/redis-server.ts';
import { type ApiNode, startApiNode } from '../node.ts';
import { TestClient } from './api-client.ts';

export interface Place extends AsyncDisposable {
  readonly redis: TestRedis;
  readonly folder: string;
  /** The environment of a node that lives here. */
  readonly env: Readonly<Record<string, string>>;
}

/** A Redis and a folder that API nodes of a test share. */
export async function openPlace(): Promise<Place> {
  const folder = await mkdtemp(path.join(tmpdir(), 'gk-api-'));
  const redis = await startRedis();
  return {
    redis,
    folder,
    env: {
      REDIS_URL: redis.url,
      GUESTKIT_DATA_DIR: folder,
      GUESTKIT_PORT: '0',
      GUESTKIT_LOG_LEVEL: 'silent',
      GUESTKIT_SHUTDOWN_GRACE_MS: '2000',
    },
    async [Symbol.asyncDispose]() {
      await redis[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export interface TestNode extends AsyncDisposable {
  readonly node: ApiNode;
  readonly client: TestClient;
}

export interface TestNodeOptions {
  readonly argv?: readonly string[];
  /** Sent with every request of the client. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Where log lines go; nowhere when not given. */
  readonly log?: DestinationStream;
}

let nodes = 0;

/** Starts an API node from its configuration, as main does. */
export async function startTestNode(
  place: Place,
  { argv = [], headers = {}, log }: TestNodeOptions = {},
): Promise<TestNode> {
  nodes += 1;
  // nodes of one process would otherwise be taken for one
  const config = readApiConfig({ argv, env: { GUESTKIT_NODE_ID: `node-${nodes}`, ...place.env } });
  const logger = createLogger({ level: 'debug', app: 'api', nodeId: config.nodeId, destination: log ?? NOWHERE });
  const node = await startApiNode({ ...config, redisUrl: place.redis.url }, logger);
  return { node, client: new TestClient(node.url, headers), [Symbol.asyncDispose]: () => node.stop() };
}

type DestinationStream = NonNullable<Parameters<typeof createLogger>[0]['destination']>;

const NOWHERE: DestinationStream = { write: () => {} };
