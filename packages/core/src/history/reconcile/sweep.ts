import type { QueueName } from '../../queue/job-queue.ts';
import { notUnfinished } from '../not-unfinished.ts';
import { UNFINISHED_STATES, type UnfinishedJob, type UnfinishedState } from '../unfinished-jobs.ts';
import { findingsAmong } from './compare.ts';
import type { Disagreement } from './disagreement.ts';
import type { ReconcileParts } from './reconcile-parts.ts';
import { repairFindings, repairQueued } from './repair.ts';

const PAGE = 500;
/** A worker tells history before the queue that a job has ended, and cleans up meanwhile. */
const ENDING_MS = 5_000;

export interface SweepOptions {
  /** Whether to repair what is found, asked anew for every page. */
  readonly mayRepair: () => Promise<boolean>;
  /** Which jobs to look at; by default all, and what waits in the queue after that. */
  readonly states?: readonly UnfinishedState[];
}

/** Goes through history and the queue page by page, and gives what it finds on each. */
export async function* sweep(parts: ReconcileParts, options: SweepOptions): AsyncGenerator<readonly Disagreement[]> {
  for (const status of options.states ?? UNFINISHED_STATES) {
    for await (const jobs of unfinishedPages(status, parts)) {
      const findings = await findingsAmong(jobs, parts);
      if (findings.length > 0 && (await options.mayRepair())) await repairFindings(findings, parts);
      yield findings;
    }
  }
  yield* sweepActive(parts, options);
  if (options.states === undefined) yield* sweepQueues(parts, options);
}

/** The other way round: what waits in the queue, but has ended in history or was never there. */
export function sweepQueues(parts: ReconcileParts, options: SweepOptions): AsyncGenerator<readonly Disagreement[]> {
  return repairEach(parts, options, async function* (name) {
    for await (const jobIds of waitingPages(name, parts)) yield await strangersAmong(name, jobIds, parts);
  });
}

/** What workers run although it has ended: a job that was handed out while somebody ended it, say. */
function sweepActive(parts: ReconcileParts, options: SweepOptions): AsyncGenerator<readonly Disagreement[]> {
  return repairEach(parts, options, async function* (name) {
    yield await endedAmong(name, await parts.queue.activeIds(name), parts);
  });
}

async function* repairEach(
  parts: ReconcileParts,
  { mayRepair }: SweepOptions,
  look: (name: QueueName) => AsyncIterable<readonly Disagreement[]>,
): AsyncGenerator<readonly Disagreement[]> {
  for (const name of await parts.queue.names()) {
    for await (const found of look(name)) {
      if (found.length > 0 && (await mayRepair())) await repairQueued(found, parts);
      yield found;
    }
  }
}

async function* unfinishedPages(
  status: UnfinishedState,
  { history }: ReconcileParts,
): AsyncGenerator<readonly UnfinishedJob[]> {
  let after = 0;
  for (;;) {
    const jobs = await history.unfinished({ status, after, limit: PAGE });
    if (jobs.length > 0) yield jobs;
    if (jobs.length < PAGE) return;
    after = jobs.at(-1)?.position ?? after;
  }
}

async function* waitingPages(name: QueueName, { queue }: ReconcileParts): AsyncGenerator<readonly string[]> {
  for (let from = 0; ; from += PAGE) {
    const jobIds = await queue.waitingIds(name, { from, limit: PAGE });
    if (jobIds.length === 0) return;
    yield jobIds;
  }
}

async function strangersAmong(
  name: QueueName,
  jobIds: readonly string[],
  { history, queue }: ReconcileParts,
): Promise<readonly Disagreement[]> {
  const strangers = [...(await notUnfinished(history, name.tenant, jobIds))];
  if (strangers.length === 0) return [];
  // one that a worker took meanwhile may rightly have ended
  const presences = await queue.presence(name, strangers);
  const waiting = strangers.filter((jobId) => ['waiting', 'delayed'].includes(presences.get(jobId)?.state ?? ''));
  return Promise.all(
    waiting.map(async (job_id) => {
      const isKnown = (await history.find(name.tenant, job_id)) !== undefined;
      return { kind: isKnown ? 'ended-in-history' : 'unknown-to-history', ...name, job_id } as const;
    }),
  );
}

async function endedAmong(
  name: QueueName,
  jobIds: readonly string[],
  { history }: ReconcileParts,
): Promise<readonly Disagreement[]> {
  const strangers = await notUnfinished(history, name.tenant, jobIds);
  const found = await Promise.all([...strangers].map((jobId) => history.find(name.tenant, jobId)));
  return found.flatMap((job) => {
    const isLongOver = job?.completed_at && Date.parse(job.completed_at) + ENDING_MS < Date.now();
    return isLongOver ? [{ kind: 'active-after-end', ...name, job_id: job.job_id } as const] : [];
  });
}
