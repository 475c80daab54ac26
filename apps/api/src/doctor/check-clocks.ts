import { statusOf } from './diagnosis.ts';
import type { Check } from './doctor.ts';

/** How far clocks may be apart. Deadlines, delays and the order of what is shown depend on them. */
const SKEW_WARNING_MS = 1_000;
const SKEW_FAULT_MS = 10_000;
/** A worker that is alive announces itself more often than that. */
const STALE_MS = 30_000;

export const checkClocks: Check = async ({ redisFacts, history, clock }) => {
  const redis = await skewOf(async () => (await redisFacts()).timeMs, clock);
  const database = await skewOf(async () => Date.parse((await history.databaseFacts()).time), clock);
  const worst = Math.max(Math.abs(redis), Math.abs(database));
  return {
    status: statusOf(worst >= SKEW_FAULT_MS, worst >= SKEW_WARNING_MS),
    message: `against this node: Redis ${signed(redis)} ms, database ${signed(database)} ms`,
  };
};

/** A worker tells the time with each sign of life, which is a little old; so only a great difference counts. */
export const checkWorkerClocks: Check = async ({ registry, clock }) => {
  const workers = await registry.list();
  const nowMs = clock();
  const isWrong = (heartbeat: string) => {
    const aheadMs = Date.parse(heartbeat) - nowMs;
    return aheadMs > SKEW_WARNING_MS || aheadMs < -STALE_MS;
  };
  const wrong = workers.filter(({ status }) => isWrong(status.last_heartbeat)).map(({ worker_id }) => worker_id);
  if (wrong.length === 0) return { status: 'ok', message: `those of ${workers.length} workers are near ours` };
  return { status: 'warning', message: `far from ours: ${wrong.slice(0, 10).join(', ')}` };
};

/** Taken at the middle of the question. */
async function skewOf(ask: () => Promise<number>, clock: () => number): Promise<number> {
  const beforeMs = clock();
  const theirsMs = await ask();
  return Math.round(theirsMs - (beforeMs + clock()) / 2);
}

function signed(ms: number): string {
  return ms > 0 ? `+${ms}` : String(ms);
}
