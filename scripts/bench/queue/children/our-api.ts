// An API node of the cluster as it is.
import { readApiConfig } from '@guestkit/core/config/api-config';
import { createLogger } from '@guestkit/core/telemetry/logger';
import { startApiNode } from '../../../../apps/api/src/node.ts';

const config = readApiConfig({ argv: [], env: process.env });
const logger = createLogger({ level: config.logLevel, app: 'api', nodeId: config.nodeId });
const node = await startApiNode({ ...config, redisUrl: config.redisUrl ?? '' }, logger);
process.send?.({ url: node.url });
process.once('SIGTERM', () => void node.stop().then(() => process.exit(0)));
// the bench is gone
process.once('disconnect', () => process.exit(0));
