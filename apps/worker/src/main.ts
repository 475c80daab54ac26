import { setTimeout as delay } from 'node:timers/promises';
import { ConfigError } from '@guestkit/core/config/config-error';
import { readWorkerConfig, type WorkerConfig } from '@guestkit/core/config/worker-config';
import { openEmbeddedRedis } from '@guestkit/core/coordination/redis/embedded-redis';
import { createLogger } from '@guestkit/core/telemetry/logger';
import { type RunningWorker, startWorker } from './worker.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
/** How long a start may still take once the worker is told to stop. */
const START_MS = 5000;

try {
  await run(readWorkerConfig({ argv: process.argv.slice(2), env: process.env }));
} catch (error) {
  process.stderr.write(`guestkit-worker: ${error instanceof Error ? error.message : String(error)}\n`);
  // not by exitCode alone: what a failed start has left open would keep the process
  process.exit(error instanceof ConfigError ? EXIT_USAGE : EXIT_FAILED);
}

/** A start that hangs, as when Redis goes away in the midst of it, must not outlive the wish to stop. */
async function unlessStopped(starting: Promise<RunningWorker>, stopped: Promise<void>): Promise<RunningWorker> {
  const worker = await Promise.race([starting, stopped.then(() => delay(START_MS, undefined, { ref: false }))]);
  if (worker !== undefined) return worker;
  throw new Error(`Cannot stop in order: the start still hangs after ${START_MS} ms`);
}

/** Whoever watches over this process starts another one. */
function refuseToGoOn(): never {
  throw new Error('Cannot claim jobs: they wait and slots are free, but another consumer did not take any either');
}

/** Works until a signal asks to stop, or the embedded Redis is gone. */
async function run(config: WorkerConfig): Promise<void> {
  const logger = createLogger({ level: config.logLevel, app: 'worker', nodeId: config.workerId });
  const stop = Promise.withResolvers<void>();
  // a second signal ends the process at once: its jobs run elsewhere when their locks run out
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.resolve());
  logger.info('worker is starting');
  await using redis =
    config.redisUrl === undefined
      ? await openEmbeddedRedis({ dataDir: config.dataDir, onUnexpectedEnd: stop.reject })
      : { url: config.redisUrl, [Symbol.asyncDispose]: async () => {} };
  const worker = await unlessStopped(startWorker({ ...config, redisUrl: redis.url }, logger), stop.promise);
  try {
    await Promise.race([stop.promise, worker.stuck.then(refuseToGoOn)]);
  } finally {
    await worker.stop();
  }
}
