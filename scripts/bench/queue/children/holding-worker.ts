// The worker of the cluster as it is, with one more operation, in a jail: one that does not end.
import { fileURLToPath } from 'node:url';
import { readWorkerConfig } from '@guestkit/core/config/worker-config';
import { createLogger } from '@guestkit/core/telemetry/logger';
import type { Operation } from '@guestkit/operations/operation';
import * as z from 'zod';
import { startWorker } from '../../../../apps/worker/src/worker.ts';

const config = readWorkerConfig({ argv: [], env: process.env });
const logger = createLogger({ level: config.logLevel, app: 'worker', nodeId: config.workerId });
const spin: Operation = {
  name: 'test.spin',
  isolation: 'jail',
  payload: z.unknown(),
  images: () => [],
  output: () => undefined,
};
await startWorker({ ...config, redisUrl: config.redisUrl ?? '' }, logger, {
  operations: new Map([[spin.name, spin]]),
  inlineRunners: new Map(),
  runnersModule: fileURLToPath(new URL('../../../../test/support/jail-runners.ts', import.meta.url)),
});
process.send?.({});
// nothing of it is worth an orderly end
process.once('SIGTERM', () => process.exit(0));
process.once('disconnect', () => process.exit(0));
