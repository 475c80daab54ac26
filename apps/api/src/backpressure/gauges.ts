import type { ApiConfig } from '@guestkit/core/config/api-config';
import type { EventStream } from '@guestkit/core/coordination/event-stream';
import type { RedisConnection } from '@guestkit/core/coordination/redis/connection';
import { readRedisMemory } from '@guestkit/core/coordination/redis/memory';
import type { JobHistory } from '@guestkit/core/history/job-history';
import type { JobQueue } from '@guestkit/core/queue/job-queue';
import type { GateOptions } from './gate.ts';
import type { Reading } from './marks.ts';

export interface GaugeParts {
  readonly config: ApiConfig;
  readonly connection: RedisConnection;
  readonly history: JobHistory;
  readonly queue: JobQueue;
  readonly stream: EventStream;
}

/** How full the cluster is, each with its mark. */
export function admissionGauges({ config, connection, history, queue, stream }: GaugeParts): GateOptions['gauges'] {
  return {
    'redis-memory': () => redisMemory(connection, config),
    waiting: async () => ({ value: await waitingJobs(queue), mark: config.admissionWaitingJobs }),
    outbox: async () => ({
      // counting on would cost more the worse it is
      value: await history.countNotEnqueued(config.admissionOutboxJobs + 1),
      mark: config.admissionOutboxJobs,
    }),
    recorder: async () => ({ value: (await stream.backlog()).entries, mark: config.admissionRecorderEntries }),
  };
}

async function redisMemory(connection: RedisConnection, config: ApiConfig): Promise<Reading> {
  const { usedBytes, maxBytes } = await readRedisMemory(connection);
  const share = Math.floor((maxBytes * config.admissionRedisPercent) / 100);
  return { value: usedBytes, mark: maxBytes > 0 ? share : config.admissionRedisBytes };
}

async function waitingJobs(queue: JobQueue): Promise<number> {
  const depths = await Promise.all((await queue.names()).map((name) => queue.depth(name)));
  return depths.reduce((sum, { waiting, delayed }) => sum + waiting + delayed, 0);
}
