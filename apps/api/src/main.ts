import { type ApiConfig, readApiConfig } from '@guestkit/core/config/api-config';
import { ConfigError } from '@guestkit/core/config/config-error';
import { openEmbeddedRedis } from '@guestkit/core/coordination/redis/embedded-redis';
import { createLogger } from '@guestkit/core/telemetry/logger';
import { startApiNode } from './node.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

try {
  await run(readApiConfig({ argv: process.argv.slice(2), env: process.env }));
} catch (error) {
  process.stderr.write(`guestkit-api: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof ConfigError ? EXIT_USAGE : EXIT_FAILED;
}

/** Serves until a signal asks to stop, or the embedded Redis is gone. */
async function run(config: ApiConfig): Promise<void> {
  const logger = createLogger({ level: config.logLevel, app: 'api', nodeId: config.nodeId });
  const stop = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.resolve());
  await using redis =
    config.redisUrl === undefined
      ? await openEmbeddedRedis({ dataDir: config.dataDir, onUnexpectedEnd: stop.reject })
      : { url: config.redisUrl, [Symbol.asyncDispose]: async () => {} };
  const node = await startApiNode({ ...config, redisUrl: redis.url }, logger);
  try {
    await stop.promise;
  } finally {
    await node.stop();
  }
}
