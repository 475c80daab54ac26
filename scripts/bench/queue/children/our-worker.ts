// The worker of the cluster as it is, with one more operation: one that does nothing.
import { readWorkerConfig } from '@guestkit/core/config/worker-config';
import { createLogger } from '@guestkit/core/telemetry/logger';
import type { Operation } from '@guestkit/operations/operation';
import * as z from 'zod';
import { startWorker } from '../../../../apps/worker/src/worker.ts';
import { answerWithDelays } from './delays.ts';

const config = readWorkerConfig({ argv: [], env: process.env });
const logger = createLogger({ level: config.logLevel, app: 'worker', nodeId: config.workerId });
const delays = answerWithDelays();
const noop: Operation = {
  name: 'bench.noop',
  isolation: 'inline',
  payload: z.unknown(),
  images: () => [],
  output: () => undefined,
};
const runNoop = (payload: unknown) => {
  delays.note((payload as { readonly addedAtMs?: number }).addedAtMs);
  return null;
};
const worker = await startWorker({ ...config, redisUrl: config.redisUrl ?? '' }, logger, {
  operations: new Map([[noop.name, noop]]),
  inlineRunners: new Map([[noop.name, runNoop]]),
  runnersModule: import.meta.resolve('@guestkit/operations/runners').replace('file://', ''),
});
process.send?.({});
process.once('SIGTERM', () => void worker.stop().then(() => process.exit(0)));
// the bench is gone
process.once('disconnect', () => process.exit(0));
