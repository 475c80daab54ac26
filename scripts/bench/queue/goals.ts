/** What a measured ratio (ours ÷ base) must reach, and what it should. */
export interface Goal {
  readonly what: string;
  readonly better: 'higher' | 'lower';
  readonly floor: number;
  readonly ambitious: number;
}

const atLeast = (what: string, floor: number, ambitious: number): Goal => ({
  what,
  better: 'higher',
  floor,
  ambitious,
});
const atMost = (what: string, floor: number, ambitious: number): Goal => ({ what, better: 'lower', floor, ambitious });

/** In the order of the table. Ratios are rates unless they say what else. */
export const GOALS = {
  a1: atLeast('enqueue through the client layer, 50 in flight, vs `Queue.add`', 0.8, 0.9),
  'a1 cpu': atMost('… CPU of Node and Redis per job', 1.3, 1.1),
  'a2 sqlite': atLeast('POST /jobs committed to SQLite vs express + zod + add', 0.8, 1.2),
  'a2 pg': atLeast('POST /jobs committed to PostgreSQL vs express + zod + add', 0.8, 1.2),
  'a2 cpu': atMost('… CPU of the API node per job (SQLite)', 1.25, 0.9),
  a3: atLeast('POST /jobs/batch of 100 vs `Queue.addBulk(100)`', 0.65, 0.85),
  'a3 a2': atLeast('POST /jobs/batch of 100, jobs/s vs POST /jobs', 3, 3),
  a4: atLeast('process a no-op, 50 slots, with events, metrics, timeouts, cancellation', 0.75, 0.9),
  'a4 cpu': atMost('… CPU of worker and Redis per job', 1.35, 1.1),
  'a5 pg': atLeast('the same until it is in history, PostgreSQL', 0.6, 0.75),
  'a5 sqlite': atLeast('the same until it is in history, SQLite', 0.6, 0.75),
  'a6 p50': atMost('add to start at 500/s, p50', 1.5, 1.2),
  'a6 p99': atMost('add to start at 500/s, p99', 2, 1.3),
  a7: atLeast('a job of a worker killed with -9 starts again, times faster', 6, 20),
  'a7 ours': atMost('… in seconds', 10, 3),
  'a7 cost': atLeast('… throughput with those locks vs without', 0.97, 0.97),
  a9: atMost('Redis memory of a waiting job with 1 KiB of payload', 1.1, 0.75),
  a10: atMost('Redis memory held by completed jobs', 0.5, 0.1),
  a11: atLeast('processing with many waiting vs few', 0.85, 0.95),
  'b1 pg-boss': atLeast('enqueue, 50 in flight, vs pg-boss', 15, 25),
  'b1 graphile': atLeast('enqueue, 50 in flight, vs graphile-worker', 12, 20),
  'b1 bullmq-pg': atLeast('enqueue, 50 in flight, vs BullMQ on PostgreSQL', 6, 10),
  'b2 pg-boss': atLeast('enqueue in batches of 100 vs pg-boss insert', 0.8, 1.1),
  'b2 graphile': atLeast('enqueue in batches of 100 vs graphile addJobs', 0.6, 0.9),
  b3: atLeast('process one by one vs graphile-worker, 50 at once', 2.5, 4),
  'b6 pg-boss': atMost('add to start at 20/s, p50, vs pg-boss with notify', 0.7, 0.5),
  'b6 graphile': atMost('add to start at 20/s, p50, vs graphile-worker', 1, 0.7),
  c1: atMost('Redis CPU of a whole job ÷ that of one bare EVALSHA', 20, 15),
  'c2 enqueue': atMost('EVALSHA per job: enqueue', 1, 1),
  'c2 process': atMost('EVALSHA per job: process', 1.05, 1),
  c3: atLeast('enqueue rate ÷ bare EVALSHA rate', 0.45, 0.6),
  c4: atLeast('history rows/s ÷ COPY of the same rows', 0.5, 0.8),
  'growth post': atMost('POST /jobs: empty ÷ with many jobs waiting and in history', 1.5, 1.1),
  'growth process': atMost('process to history: the same', 1.5, 1.1),
  'd1 lost': atMost('acknowledged jobs lost to 3 kill -9 of Redis', 0, 0),
  'd1 twice': atMost('jobs committed twice', 0, 0),
  'd2 lost': atMost('acknowledged jobs lost to an append-only file cut by a second', 0, 0),
  'd2 twice': atMost('jobs committed twice', 0, 0),
  d3: atMost('first job done after Redis is back, in seconds', 5, 1),
} as const satisfies Readonly<Record<string, Goal>>;

export type GoalId = keyof typeof GOALS;

export function verdictOf(goal: Goal, ratio: number): 'met, ambitious' | 'met' | '**missed**' {
  const reaches = (bound: number) => (goal.better === 'higher' ? ratio >= bound : ratio <= bound);
  if (!reaches(goal.floor)) return '**missed**';
  return reaches(goal.ambitious) ? 'met, ambitious' : 'met';
}
