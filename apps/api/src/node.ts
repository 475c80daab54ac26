import { createServer } from 'node:http';
import { openArtifactStore } from '@guestkit/core/artifact/open-store';
import { type ApiConfig, isLoopback } from '@guestkit/core/config/api-config';
import { startLeader } from '@guestkit/core/coordination/leader';
import { RedisCancelIntents } from '@guestkit/core/coordination/redis/cancel-intents';
import { assertRedisFit } from '@guestkit/core/coordination/redis/check';
import { connectRedis } from '@guestkit/core/coordination/redis/connection';
import { RedisEventStream } from '@guestkit/core/coordination/redis/event-stream';
import { RedisFence } from '@guestkit/core/coordination/redis/fence';
import { RedisQueueEpochKey } from '@guestkit/core/coordination/redis/queue-epoch-key';
import { readRedisFacts } from '@guestkit/core/coordination/redis/redis-facts';
import { RedisWorkerRegistry } from '@guestkit/core/coordination/redis/worker-registry';
import { openHistory } from '@guestkit/core/history/open-history';
import { startOutbox } from '@guestkit/core/history/outbox';
import { createReconciler } from '@guestkit/core/history/reconcile/reconciler';
import { startRecorder } from '@guestkit/core/history/recorder';
import { deadLetterOf } from '@guestkit/core/job/dead-letter';
import type { JobEvent } from '@guestkit/core/job/event';
import { createBullmqQueue } from '@guestkit/core/queue/bullmq-queue';
import { type ApiMetrics, createApiMetrics } from '@guestkit/core/telemetry/api-metrics';
import type { Logger } from '@guestkit/core/telemetry/logger';
import { startAdmissionGate } from './backpressure/gate.ts';
import { admissionGauges } from './backpressure/gauges.ts';
import { openBoard } from './board.ts';
import { duties } from './duties.ts';
import { JobNews } from './job-news.ts';
import { type Listener, listen } from './listen.ts';
import { createListener } from './server.ts';

/** A configuration whose Redis is known: the configured one, or the embedded one. */
export type ApiNodeConfig = ApiConfig & { readonly redisUrl: string };

export interface ApiNode {
  readonly url: string;
  /** Stops listening, lets requests end within `shutdownGraceMs`, and closes all that was opened. */
  stop(): Promise<void>;
}

/** Opens history, queue and event stream, carries what is left over between them, and answers requests. */
export async function startApiNode(config: ApiNodeConfig, logger: Logger): Promise<ApiNode> {
  await using opened = new AsyncDisposableStack();
  const metrics = createApiMetrics();
  const news = new JobNews();
  const stopping = new AbortController();
  const onError = (err: Error) => logger.warn({ err }, 'fault in the background');

  const connection = opened.use(await connectRedis(config.redisUrl, { role: 'client', onError }));
  await assertRedisFit(connection);
  const prefix = config.redisPrefix;
  const history = opened.use(await openHistory({ ...config, onError }));
  const queue = opened.use(createBullmqQueue({ connection, prefix, logger }));
  const stream = opened.use(new RedisEventStream({ connection, prefix }));
  const artifacts = opened.use(await openArtifactStore(config));
  const registry = new RedisWorkerRegistry({ connection, prefix });
  const cancels = new RedisCancelIntents({ connection, prefix });
  const fence = new RedisFence({ connection, prefix });
  const onRecorded = (events: readonly JobEvent[]) => tellRecorded(events, { metrics, news });
  opened.use(startRecorder({ stream, history, consumer: config.nodeId, onRecorded, onError }));
  opened.use(startOutbox({ history, queue, stream, fence, cancels, onError }));
  const gauges = admissionGauges({ config, connection, history, queue, stream });
  const gate = opened.use(await startAdmissionGate({ gauges, metrics, logger }));
  const epochKey = new RedisQueueEpochKey({ connection, prefix });
  const reconciler = createReconciler({
    ...{ history, queue, stream, onError },
    ...{ epochKey, fence, cancels },
    onRepaired: (kind, jobs) => tellRepaired({ kind, jobs }, { metrics, logger }),
    onRebuilt: (rebuilt) => tellRebuilt(rebuilt, { metrics, logger }),
  });
  const parts = {
    ...{ config, history, queue, registry, reconciler, artifacts, cancels, fence },
    ...{ logger, metrics, clock: Date.now },
  };
  const onLeading = (isLeading: boolean) => noteLeading(isLeading, { metrics, logger });
  opened.use(startLeader({ leases: history, holder: config.nodeId, duties: duties(parts), onLeading, onError }));
  const board = opened.use(openBoard({ connection, config, onError }));

  const probes = {
    redis: () => connection.client.ping(),
    database: () => history.find(config.tenant, 'readiness-probe'),
  };
  const answer = createListener({
    ...parts,
    ...{ news, probes, gate },
    doctor: { ...parts, stream, epochKey, redisFacts: () => readRedisFacts(connection) },
    board: board.handler,
    stopping: stopping.signal,
  });
  const listener = await listen(createServer(answer), config);
  if (config.apiKey === undefined && !isLoopback(config.host)) logger.warn('serving everyone: no API key is set');
  logger.info({ url: listener.url }, 'API node is listening');
  const resources = opened.move();
  let stopped: Promise<void> | undefined;
  return {
    url: listener.url,
    stop: () => {
      stopped ??= stop({ listener, stopping, resources, logger });
      return stopped;
    },
  };
}

interface Running {
  readonly listener: Listener;
  readonly stopping: AbortController;
  readonly resources: AsyncDisposableStack;
  readonly logger: Logger;
}

async function stop({ listener, stopping, resources, logger }: Running): Promise<void> {
  stopping.abort();
  await listener.close();
  await resources.disposeAsync();
  logger.info('API node has stopped');
}

interface Tellers {
  readonly metrics: ApiMetrics;
  readonly logger: Logger;
}

function tellRepaired(repaired: { readonly kind: string; readonly jobs: number }, { metrics, logger }: Tellers): void {
  metrics.reconcilerRepairs.inc({ kind: repaired.kind }, repaired.jobs);
  logger.warn(repaired, 'history and queue disagreed, and were reconciled');
}

function tellRebuilt(rebuilt: { readonly jobs: number; readonly tookMs: number }, { metrics, logger }: Tellers): void {
  metrics.queueRebuilds.inc();
  logger[rebuilt.jobs > 0 ? 'warn' : 'info'](
    rebuilt,
    'the queue is new, or was flushed or rolled back: rebuilt from history',
  );
}

function noteLeading(isLeading: boolean, { metrics, logger }: Tellers): void {
  metrics.leader.set(isLeading ? 1 : 0);
  logger.info(isLeading ? 'node leads: it does the duties' : 'node leads no longer');
}

function tellRecorded(
  events: readonly JobEvent[],
  { metrics, news }: { readonly metrics: ApiMetrics; readonly news: JobNews },
): void {
  for (const event of events) {
    metrics.recorderEvents.inc({ type: event.type });
    const letter = event.type === 'finished' ? deadLetterOf(event) : undefined;
    if (letter) metrics.deadLetters.inc({ class: letter.class });
  }
  const newest = events.at(-1);
  if (newest) metrics.recorderLag.set(Math.max(0, Date.now() - Date.parse(newest.timestamp)) / 1000);
  news.ring(new Set(events.map(({ job_id }) => job_id)));
}
