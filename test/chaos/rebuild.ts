import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../support/condition.ts';
import { seededRandom } from './random.ts';
import { openRedis } from './redis-command.ts';
import { type ApiNode, type Stack, startStack } from './stack.ts';

export interface RebuildOptions {
  readonly jobs: number;
  readonly seed: string;
  readonly say: (text: string) => void;
}

export interface Rebuild {
  readonly tookMs: number;
  readonly there: number;
  /** The first that is not in its place, as it should be and as it is. */
  readonly misplaced: readonly [string | undefined, string | undefined] | undefined;
}

const BATCH = 10_000;
const QUEUE = 'guestkit:{default}:default:prioritized';
const FILL_MS = 600_000;
const REBUILD_MS = 180_000;
export const GOAL_MS = 60_000;

/** Takes everything from Redis while jobs wait, and looks how long it takes until all are back, under their ids and in their order. */
export async function runRebuild({ jobs, seed, say }: RebuildOptions): Promise<Rebuild> {
  await using stack = await startStack({ workers: 0 });
  const random = seededRandom(`rebuild/${seed}`);
  await submitAll(stack, jobs, () => random.integer(1, 10), say);
  await using redis = openRedis(stack.redis.url);
  const depth = () => redis.client.zcard(QUEUE);
  await until(`${jobs} jobs to be enqueued`, async () => (await depth()) === jobs, {
    timeoutMs: FILL_MS,
    everyMs: 500,
  });
  say(`${jobs} jobs wait; flushing Redis`);
  await redis.client.flushall();
  const flushedAt = performance.now();
  while ((await depth()) < jobs && performance.now() - flushedAt < REBUILD_MS) await delay(50);
  const tookMs = Math.round(performance.now() - flushedAt);
  const found = await redis.client.zrange(QUEUE, 0, -1);
  const expected = await orderInSql(stack);
  const place = expected.findIndex((id, index) => id !== found[index]);
  return { tookMs, there: found.length, misplaced: place < 0 ? undefined : [expected[place], found[place]] };
}

async function submitAll(
  stack: Stack,
  jobs: number,
  priority: () => number,
  say: (text: string) => void,
): Promise<void> {
  const api = stack.apis[0] as ApiNode;
  for (let from = 0; from < jobs; from += BATCH) {
    const documents = Array.from({ length: Math.min(BATCH, jobs - from) }, (_, index) => ({
      job_id: `rebuild-${String(from + index).padStart(7, '0')}`,
      operation: 'system.echo',
      execution: { priority: priority() },
      payload: { data: { n: from + index } },
    }));
    const answer = await fetch(`${api.url}/api/v1/jobs/batch`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(documents),
    });
    if (!answer.ok) throw new Error(`Cannot submit a batch: ${answer.status} ${await answer.text()}`);
    await answer.body?.cancel();
    say(`${from + documents.length} jobs accepted`);
  }
}

/** More urgent first, then in order of arrival. */
async function orderInSql({ postgres, schema }: Stack): Promise<readonly string[]> {
  const rows = await postgres.query<{ job_id: string }>(`select job_id from ${schema}.jobs order by priority desc, id`);
  return rows.map(({ job_id }) => job_id);
}
