import { fileURLToPath } from 'node:url';
import { openArtifactStore } from '@guestkit/core/artifact/open-store';
import type { WorkerConfig } from '@guestkit/core/config/worker-config';
import { RedisCancelIntents } from '@guestkit/core/coordination/redis/cancel-intents';
import { assertRedisFit } from '@guestkit/core/coordination/redis/check';
import { connectRedis, type RedisConnection } from '@guestkit/core/coordination/redis/connection';
import { RedisEventStream } from '@guestkit/core/coordination/redis/event-stream';
import { RedisFence } from '@guestkit/core/coordination/redis/fence';
import { RedisWorkerRegistry } from '@guestkit/core/coordination/redis/worker-registry';
import { createBullmqQueue } from '@guestkit/core/queue/bullmq-queue';
import type { Logger } from '@guestkit/core/telemetry/logger';
import { createWorkerMetrics, type WorkerMetrics } from '@guestkit/core/telemetry/worker-metrics';
import { operations } from '@guestkit/operations/catalogue';
import type { Operation, Runner } from '@guestkit/operations/operation';
import { runners } from '@guestkit/operations/runners';
import { prepareAdvertisement } from './advertisement.ts';
import { ResultCache, type ResultCacheOptions } from './attempt/result-cache.ts';
import { createAttemptHandler } from './attempt/run-attempt.ts';
import { Consumption } from './consumption.ts';
import { Heartbeat } from './heartbeat.ts';
import { JailPool } from './jail/pool.ts';
import { sweepLeftovers } from './leftovers.ts';
import { serveMetrics } from './metrics-server.ts';
import { watchQueueDepth } from './queue-depth.ts';
import { remoteSettings } from './remote-settings.ts';
import { within } from './within.ts';

/** A configuration whose Redis is known: the configured one, or the embedded one. */
export type RunnableConfig = WorkerConfig & { readonly redisUrl: string };

/** What the worker can do. Tests bring their own. */
export interface Repertoire {
  readonly operations: ReadonlyMap<string, Operation>;
  /** For operations that run in the worker itself. */
  readonly inlineRunners: ReadonlyMap<string, Runner>;
  /** Module that jails load. */
  readonly runnersModule: string;
}

export interface RunningWorker {
  readonly metricsUrl: string;
  /** Resolves when it claims no jobs though it should, and only another process may. */
  readonly stuck: Promise<void>;
  /** Drains, and closes all that was opened; does not take longer than `drainMs` and a few seconds. */
  stop(): Promise<void>;
}

const REPERTOIRE: Repertoire = {
  operations,
  inlineRunners: runners,
  runnersModule: fileURLToPath(import.meta.resolve('@guestkit/operations/runners')),
};

/** Beyond the grace that attempts get when they are told to stop. */
const LEAVE_MS = 5000;
const CLOSE_MS = 5000;

/**
 * A worker, in order: connects to Redis and checks it; starts warm jails; finds out what this host offers, and announces it; serves
 * metrics; removes now and then what killed attempts left; claims jobs and runs them as attempts. To stop: announces that it drains; claims no more; lets attempts end; gives back
 * those that do not; withdraws; closes.
 */
export async function startWorker(
  config: RunnableConfig,
  logger: Logger,
  repertoire: Repertoire = REPERTOIRE,
): Promise<RunningWorker> {
  await using opened = new AsyncDisposableStack();
  const onError = (err: Error) => logger.warn({ err }, 'fault in the background');
  const { redisPrefix: prefix, tenant, pool, slots, lockMs, stalledCheckMs } = config;

  const connection = opened.use(await connectRedis(config.redisUrl, { role: 'client', onError }));
  await assertRedisFit(connection);
  const queue = opened.use(createBullmqQueue({ connection, prefix, logger, lockMs, stalledCheckMs }));
  const events = opened.use(new RedisEventStream({ connection, prefix }));
  const registry = new RedisWorkerRegistry({ connection, prefix });
  const cancels = opened.use(await new RedisCancelIntents({ connection, prefix }).watch(onError));

  const fence = new RedisFence({ connection, prefix });
  const artifacts = opened.use(await openArtifactStore(config));

  let consumer: Consumption | undefined;
  const heartbeat = opened.use(
    new Heartbeat({
      workerId: config.workerId,
      registry,
      everyMs: config.heartbeatMs,
      slots,
      activeJobs: () => consumer?.active ?? 0,
      advertise: await prepareAdvertisement(config, [...repertoire.operations.keys()]),
      onError,
    }),
  );
  const metrics = createWorkerMetrics({ heartbeatAgeSeconds: () => heartbeat.ageSeconds });
  metrics.slots.set(slots);
  const jails = opened.use(await startJails(config, { repertoire, metrics, logger }));
  await heartbeat.start();
  opened.use(watchQueueDepth({ queue, name: { tenant, pool }, everyMs: config.heartbeatMs, metrics, onError }));
  const faults = () => faultsOf({ connection, heartbeat, jails, consumer });
  const { metricsHost: host, metricsPort: port } = config;
  const { url } = opened.use(
    await serveMetrics({
      host,
      port,
      registry: metrics.registry,
      faults,
      isClaiming: () => consumer?.isClaiming ?? false,
    }),
  );

  opened.use(sweepLeftovers({ roots: config.outputRoots, attempts: fence, logger, onError }));

  const { version } = heartbeat.advertisement;
  const cache = openResultCache(config, { store: artifacts, version, metrics, logger });
  const leaving = new AbortController();
  const handle = createAttemptHandler({
    workerId: config.workerId,
    advertise: () => heartbeat.advertisement,
    ...{ registry, events, cancels, fence, jails, cache, metrics, logger },
    operations: repertoire.operations,
    inlineRunners: repertoire.inlineRunners,
    maxLostAttempts: config.maxLostAttempts,
    retry: config.retry,
    keeping: { artifacts, resultInlineBytes: config.resultInlineBytes, resultLimitBytes: config.resultLimitBytes },
    limits: config,
    leaving: leaving.signal,
  });
  const stuck = Promise.withResolvers<void>();
  consumer = opened.use(
    new Consumption({
      ...{ queue, tenant, pool, slots, consumer: config.workerId, handle, onError },
      stuckMs: config.stuckMs,
      onReplaced: () => {
        metrics.consumerReplacements.inc();
        logger.error('jobs wait and slots are free, but none is taken: another consumer takes over');
      },
      onStuck: stuck.resolve,
    }),
  );
  await consumer.start();
  logger.info({ worker_id: config.workerId, pool, slots, metrics: `${url}/metrics` }, 'worker is claiming jobs');
  const resources = opened.move();
  return {
    metricsUrl: url,
    stuck: stuck.promise,
    stop: () => stop({ config, logger, heartbeat, consumer, leaving, resources }),
  };
}

function openResultCache(
  { cacheHours, imageRoots, references, maxDiskSizeGb, resultLimitBytes }: RunnableConfig,
  parts: Pick<ResultCacheOptions, 'store' | 'version' | 'metrics' | 'logger'>,
): ResultCache | undefined {
  if (cacheHours === 0) return undefined;
  const rules = { imageRoots, references, maxDiskSizeGb };
  return new ResultCache({ ...parts, hours: cacheHours, rules, resultLimitBytes });
}

interface JailParts {
  readonly repertoire: Repertoire;
  readonly metrics: WorkerMetrics;
  readonly logger: Logger;
}

function startJails(config: RunnableConfig, { repertoire, metrics, logger }: JailParts): Promise<JailPool> {
  const { slots, imageRoots, outputRoots, references, maxDiskSizeGb, killGraceMs } = config;
  const { stagingDir: folder, stagingLimitBytes: limitBytes } = config;
  const needsJails = [...repertoire.operations.values()].some(({ isolation }) => isolation === 'jail');
  return JailPool.start({
    slots: needsJails ? slots : 0,
    ...{ imageRoots, outputRoots, references, maxDiskSizeGb, killGraceMs, remote: remoteSettings(config) },
    ...(limitBytes > 0 && { staging: { folder, limitBytes } }),
    runnersModule: repertoire.runnersModule,
    memoryMb: config.jailMemoryMb,
    maxResultBytes: config.resultLimitBytes,
    asNobody: config.jailUser,
    onReady: ({ startMs, sealed }) => {
      if (startMs !== undefined) metrics.jailStart.observe(startMs / 1000);
      if (!sealed) logger.debug('jail stands by the permission model alone: the kernel did not take its limits');
    },
    onBroken: (reason) => logger.error({ reason }, 'jail does not start'),
  });
}

interface VitalParts {
  readonly connection: RedisConnection;
  readonly heartbeat: Heartbeat;
  readonly jails: JailPool;
  readonly consumer: Consumption | undefined;
}

function faultsOf({ connection, heartbeat, jails, consumer }: VitalParts): readonly string[] {
  return [
    ...(connection.isReady ? [] : ['Redis is not connected']),
    ...(heartbeat.isLate ? ['The worker could not announce itself for too long'] : []),
    ...(jails.fault === undefined ? [] : ['No jail starts']),
    ...(consumer?.fault === undefined ? [] : [`Jobs are not claimed: ${consumer.fault}`]),
  ];
}

interface RunningParts {
  readonly config: RunnableConfig;
  readonly logger: Logger;
  readonly heartbeat: Heartbeat;
  readonly consumer: Consumption;
  readonly leaving: AbortController;
  readonly resources: AsyncDisposableStack;
}

async function stop({ config, logger, heartbeat, consumer, leaving, resources }: RunningParts): Promise<void> {
  const { drainMs, killGraceMs } = config;
  logger.info({ active: consumer.active, drainMs }, 'worker is draining');
  await within(CLOSE_MS, Promise.all([heartbeat.drain(), consumer.stopClaiming()]));
  if (!(await within(drainMs, consumer.idle()))) {
    leaving.abort();
    await within(killGraceMs + LEAVE_MS, consumer.idle());
  }
  const isClosed = await within(CLOSE_MS, resources.disposeAsync());
  logger.info({ isClosed }, 'worker has stopped');
}
