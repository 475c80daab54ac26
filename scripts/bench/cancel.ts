// `npm run bench:cancel [-- ROUNDS]`: from the request at one API node to TERM in the process of an attempt whose job was posted to the
// other, and to the final state in history. The attempt computes without end, and TERM ends it at once: when it is gone, it had TERM.
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type ApiProcess, startCluster } from '../../test/support/cluster.ts';
import { until } from '../../test/support/condition.ts';
import { printTable, quantile, type Row } from './figures.ts';

const ROUNDS = Number(process.argv[2] ?? 100);
const GOAL_MS = 300;

interface Job {
  readonly status: string;
  readonly progress: { readonly phase: string; readonly message: string } | null;
}

await using cluster = await startCluster({
  ...{ apiNodes: 2, workers: 2, misbehaving: true },
  workerSettings: { GUESTKIT_SLOTS: '2', GUESTKIT_JAIL_MEMORY_MB: '128' },
});
const [posting, cancelling] = cluster.apis as [ApiProcess, ApiProcess];

const toTerm: number[] = [];
const toAnswer: number[] = [];
const toEnd: number[] = [];
for (let round = 0; round < ROUNDS; round += 1) await cancelOne();
printTable(`Cancelling ${ROUNDS} running jobs, two API nodes, two workers`, [
  rowOf('request to TERM', toTerm, GOAL_MS),
  rowOf('request to answer', toAnswer),
  rowOf('request to final state in history', toEnd),
]);

async function cancelOne(): Promise<void> {
  const document = { operation: 'test.spin', payload: { data: {} } };
  const { job_id } = await posting.call<{ job_id: string }>('POST', '/api/v1/jobs', document);
  const show = () => posting.call<Job>('GET', `/api/v1/jobs/${job_id}`);
  await until('the attempt to run', async () => (await show()).progress?.phase === 'inspection', { timeoutMs: 60_000 });
  const pid = Number((await show()).progress?.message);

  const startedAt = performance.now();
  const answered = cancelling.call('POST', `/api/v1/jobs/${job_id}/cancel`, {}).then(() => performance.now());
  // to look all the time would take a processor from those who have to end it
  while (runs(pid)) await delay(1);
  toTerm.push(performance.now() - startedAt);
  await until('the job to end', async () => (await show()).status === 'cancelled', { timeoutMs: 60_000, everyMs: 2 });
  toEnd.push(performance.now() - startedAt);
  toAnswer.push((await answered) - startedAt);
}

/** A process that has ended but was not waited for yet does not run. */
function runs(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

function rowOf(what: string, values: readonly number[], goalMs?: number): Row {
  const [p50, p99] = [quantile(values, 0.5), quantile(values, 0.99)];
  const figure = `p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms, longest ${Math.max(...values).toFixed(0)} ms`;
  return {
    what,
    figure,
    target: goalMs === undefined ? '' : `p99 ≤ ${goalMs} ms`,
    met: goalMs === undefined ? undefined : p99 <= goalMs,
  };
}
