import { readWorkerConfig } from '@guestkit/core/config/worker-config';
import { createLogger } from '@guestkit/core/telemetry/logger';
import { MISBEHAVING_REPERTOIRE } from '../../apps/worker/src/testing/worker-bench.ts';
import { startWorker } from '../../apps/worker/src/worker.ts';

// A worker as a process that knows the operations of misbehaving-runners.ts, and inspects nothing.

const { redisUrl, ...config } = readWorkerConfig({ argv: [], env: process.env });
if (redisUrl === undefined) throw new Error('Cannot start: REDIS_URL is not set');
const logger = createLogger({ level: config.logLevel, app: 'worker', nodeId: config.workerId });
const worker = await startWorker({ ...config, redisUrl }, logger, MISBEHAVING_REPERTOIRE);
process.once('SIGTERM', () => worker.stop());
