import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { ExpressAdapter } from '@bull-board/express';
import type { ApiConfig } from '@guestkit/core/config/api-config';
import type { RedisConnection } from '@guestkit/core/coordination/redis/connection';
import { type BoardQueue, bullmqBoardQueues } from '@guestkit/core/queue/bullmq-board';
import type { Express, RequestHandler } from 'express';

export interface Board extends AsyncDisposable {
  readonly handler: RequestHandler;
}

interface BoardOptions {
  readonly connection: RedisConnection;
  readonly config: Pick<ApiConfig, 'redisPrefix' | 'tenant' | 'boardReadOnly'>;
  readonly onError: (error: Error) => void;
}

/** Bull Board over the queues of the tenant; queues that appear later join it. */
export function openBoard({ connection, config, onError }: BoardOptions): Board {
  const serverAdapter = new ExpressAdapter().setBasePath('/board');
  // GET /api/v1/workers tells of workers; the board would ask Redis for a list of all its clients at every look
  const options = { uiConfig: { boardTitle: 'guestkit', hideRedisDetails: true, showWorkers: false } };
  const { replaceQueues } = createBullBoard({ queues: [], serverAdapter, options });
  const queues = bullmqBoardQueues({
    connection,
    prefix: config.redisPrefix,
    onQueues: (all) => replaceQueues(all.filter(({ name }) => name.tenant === config.tenant).map(adapterOf)),
    onError,
  });
  const adapterOf = ({ queue }: BoardQueue) => new BullMQAdapter(queue, { readOnlyMode: config.boardReadOnly });
  const handler: Express = serverAdapter.getRouter();
  handler.disable('x-powered-by');
  return { handler, [Symbol.asyncDispose]: () => queues[Symbol.asyncDispose]() };
}
