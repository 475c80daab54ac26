import { ConfigError } from '@guestkit/core/config/config-error';
import { readWorkerConfig, type WorkerConfig } from '@guestkit/core/config/worker-config';
import { openEmbeddedRedis } from '@guestkit/core/coordination/redis/embedded-redis';
import { createLogger } from '@guestkit/core/telemetry/logger';
import { startWorker } from './worker.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

try {
  await run(readWorkerConfig({ argv: process.argv.slice(2), env: process.env }));
} catch (error) {
  process.stderr.write(`guestkit-worker: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof ConfigError ? EXIT_USAGE : EXIT_FAILED;
}

/** Works until a signal asks to stop, or the embedded Redis is gone. */
async function run(config: WorkerConfig): Promise<void> {
  const logger = createLogger({ level: config.logLevel, app: 'worker', nodeId: config.workerId });
  const stop = Promise.withResolvers<void>();
  // a second signal ends the process at once: its jobs run elsewhere when their locks run out
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.resolve());
  await using redis =
    config.redisUrl === undefined
      ? await openEmbeddedRedis({ dataDir: config.dataDir, onUnexpectedEnd: stop.reject })
      : { url: config.redisUrl, [Symbol.asyncDispose]: async () => {} };
  const worker = await startWorker({ ...config, redisUrl: redis.url }, logger);
  try {
    await stop.promise;
  } finally {
    await worker.stop();
  }
}
