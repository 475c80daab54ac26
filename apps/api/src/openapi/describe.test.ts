import path from 'node:path';
import { openFileStore } from '@guestkit/core/artifact/file-store';
import { readApiConfig } from '@guestkit/core/config/api-config';
import { RedisCancelIntents } from '@guestkit/core/coordination/redis/cancel-intents';
import { connectRedis } from '@guestkit/core/coordination/redis/connection';
import { RedisEventStream } from '@guestkit/core/coordination/redis/event-stream';
import { RedisFence } from '@guestkit/core/coordination/redis/fence';
import { RedisQueueEpochKey } from '@guestkit/core/coordination/redis/queue-epoch-key';
import { readRedisFacts } from '@guestkit/core/coordination/redis/redis-facts';
import { RedisWorkerRegistry } from '@guestkit/core/coordination/redis/worker-registry';
import { createReconciler } from '@guestkit/core/history/reconcile/reconciler';
import { openSqliteHistory } from '@guestkit/core/history/sqlite/open';
import { createMemoryQueue } from '@guestkit/core/queue/memory-queue';
import { createApiMetrics } from '@guestkit/core/telemetry/api-metrics';
import { createLogger } from '@guestkit/core/telemetry/logger';
import { type Express, Router } from 'express';
import { describe, expect, test } from 'vitest';
import { JobNews } from '../job-news.ts';
import { createApp } from '../server.ts';
import { setStage } from '../testing/stage.ts';
import { templateOf } from './describe.ts';

const { place, client, stack } = await setStage();
const description = await client.describe();

/** `GET /path` of every route that the router holds, wherever it is nested. */
function routesOf(router: Pick<Express['router'], 'stack'>): string[] {
  return router.stack.flatMap(({ route, handle }) => {
    if (route === undefined) return 'stack' in handle ? routesOf(handle as unknown as Express['router']) : [];
    const methods = route.stack.map(({ method }) => method).filter((method) => method !== undefined);
    return [...new Set(methods)].map((method) => `${method.toUpperCase()} ${templateOf(route.path)}`);
  });
}

async function openApp(): Promise<Express> {
  const config = readApiConfig({ argv: [], env: place.env });
  const connection = stack.use(await connectRedis(place.redis.url, { role: 'client' }));
  const history = stack.use(await openSqliteHistory({ file: path.join(place.folder, 'routes.sqlite') }));
  const queue = stack.use(createMemoryQueue());
  const shared = { connection, prefix: 'guestkit' };
  const stream = stack.use(new RedisEventStream(shared));
  const epochKey = new RedisQueueEpochKey(shared);
  const registry = new RedisWorkerRegistry(shared);
  const reconciler = createReconciler({
    history,
    queue,
    stream,
    epochKey,
    fence: new RedisFence(shared),
    cancels: new RedisCancelIntents(shared),
    onError: (error) => expect.fail(error.message),
  });
  const redisFacts = () => readRedisFacts(connection);
  return createApp({
    ...{ config, history, queue, registry },
    reconciler,
    doctor: { ...{ history, queue, stream, registry, reconciler, epochKey, clock: Date.now }, redisFacts },
    artifacts: stack.use(await openFileStore(path.join(place.folder, 'artifacts'))),
    cancels: new RedisCancelIntents({ connection, prefix: 'guestkit' }),
    fence: new RedisFence({ connection, prefix: 'guestkit' }),
    news: new JobNews(),
    gate: { admit: () => {} },
    board: Router(),
    probes: {},
    logger: createLogger({ level: 'silent', app: 'api', nodeId: 'node' }),
    metrics: createApiMetrics(),
    clock: Date.now,
    stopping: new AbortController().signal,
  });
}

describe('GET /api/v1/openapi.json', () => {
  test('describes every route of the application, and no other but the board', async () => {
    const routed = routesOf((await openApp()).router);
    expect(routed.length).toBeGreaterThan(10);
    const described = Object.entries(description.paths).flatMap(([at, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${at}`),
    );
    expect(described.sort()).toEqual([...routed, 'GET /board'].sort());
  });

  test('gives every operation a name of its own, a summary, and what it answers', () => {
    const operations = Object.values(description.paths).flatMap((path) => Object.values(path));
    const names = operations.map(({ operationId }) => operationId);
    expect(new Set(names).size).toBe(names.length);
    for (const { summary, responses } of operations) {
      expect(summary).toMatch(/^\w/);
      expect(Object.keys(responses)).toContain('500');
    }
  });

  test('says what a job may be answered with', () => {
    const statuses = Object.keys(description.paths['/api/v1/jobs']?.post?.responses ?? {});
    expect(statuses).toEqual(['200', '202', '400', '401', '403', '409', '413', '415', '500', '503']);
  });

  test('says that liveness alone needs no key', () => {
    const open = Object.entries(description.paths).filter(([, { get }]) => get?.security?.length === 0);
    expect(open.map(([path]) => path)).toEqual(['/health/live']);
  });
});
