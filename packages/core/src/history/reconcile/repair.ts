import type { FinishedEvent } from '../../job/event.ts';
import type { QueuedJob } from '../../queue/job-queue.ts';
import { lossOf } from '../attempt-loss.ts';
import { bringToQueue } from '../bring-to-queue.ts';
import { stopAfterEnd } from '../take-out-ended.ts';
import type { Finding } from './compare.ts';
import type { Disagreement, DisagreementKind } from './disagreement.ts';
import type { ReconcileParts } from './reconcile-parts.ts';

type Repair<Found> = (found: readonly Found[], parts: ReconcileParts) => Promise<void>;

/** What is done about a job that has not ended in history. */
const REPAIRS: Readonly<Partial<Record<DisagreementKind, Repair<Finding>>>> = {
  'not-enqueued': addToQueue,
  'unknown-to-queue': addToQueue,
  'ended-in-queue': recordEnds,
  'attempt-lost': releaseAttempts,
};

export async function repairFindings(findings: readonly Finding[], parts: ReconcileParts): Promise<void> {
  for (const [kind, group] of Map.groupBy(findings, (finding) => finding.kind)) {
    await REPAIRS[kind]?.(group, parts);
    parts.onRepaired?.(kind, group.length);
  }
}

/** Adds jobs under their ids, in order of acceptance; one that ends in history meanwhile is taken out again. */
export async function enqueueAgain(positions: readonly number[], parts: ReconcileParts): Promise<readonly QueuedJob[]> {
  const jobs = await parts.history.queuedJobs(positions);
  await bringToQueue(jobs, parts);
  return jobs;
}

async function addToQueue(findings: readonly Finding[], parts: ReconcileParts): Promise<void> {
  const strays = findings.filter(({ presence }) => presence.state === 'stray');
  await Promise.all(strays.map(({ job }) => parts.queue.forget(job, job.job_id)));
  await enqueueAgain(positionsOf(findings), parts);
}

/** The end of a job is in its summary if it is small enough; otherwise only another attempt can tell it. */
async function recordEnds(findings: readonly Finding[], parts: ReconcileParts): Promise<void> {
  const { history, queue } = parts;
  await history.record(findings.flatMap((finding) => finishedEventIn(finding) ?? []));
  const left: Finding[] = [];
  for (const [tenant, group] of Map.groupBy(findings, (finding) => finding.tenant)) {
    const now = await history.unfinishedAmong(
      tenant,
      group.map(({ job_id }) => job_id),
    );
    left.push(...group.filter(({ job_id }) => now.some((job) => job.job_id === job_id)));
  }
  await releaseAttempts(left, parts);
  await Promise.all(left.map(({ job }) => queue.forget(job, job.job_id)));
  await enqueueAgain(positionsOf(left), parts);
}

function finishedEventIn({ presence, tenant, job_id }: Finding): FinishedEvent | undefined {
  if (presence.state !== 'completed') return undefined;
  const { event } = Object(presence.summary) as { readonly event?: Partial<FinishedEvent> };
  const isOfJob = event?.type === 'finished' && event.tenant === tenant && event.job_id === job_id;
  return isOfJob ? (event as FinishedEvent) : undefined;
}

/** Tells history that the attempts are over, which their workers did not live to tell. */
async function releaseAttempts(findings: readonly Finding[], { history }: ReconcileParts): Promise<void> {
  const underWay = findings.map(({ job }) => job).filter(({ status }) => status !== 'pending');
  if (underWay.length > 0) await history.record(underWay.map(lossOf));
}

/** Jobs that the queue runs or waits to run, but should not, or of which history does not know. */
export async function repairQueued(disagreements: readonly Disagreement[], parts: ReconcileParts): Promise<void> {
  for (const disagreement of disagreements) {
    const { kind, job_id } = disagreement;
    if (kind === 'ended-in-history') await parts.queue.remove(disagreement, job_id);
    else if (kind === 'active-after-end') await stopAfterEnd(disagreement.tenant, [job_id], parts);
    else await adopt(disagreement, parts);
    parts.onRepaired?.(kind, 1);
  }
}

/** A job that the queue has was accepted once: history must have been put back to an earlier time. */
async function adopt(disagreement: Disagreement, { history, queue, onError }: ReconcileParts): Promise<void> {
  const { tenant, job_id } = disagreement;
  const job = await queue.find(disagreement, job_id);
  if (job === undefined) return;
  const { outcome } = await history.accept(job);
  if (outcome === 'conflict') {
    onError(new Error(`Cannot adopt job "${job_id}" of the queue: history has another one of its id or key`));
  } else {
    await history.markEnqueued(tenant, [job_id]);
  }
}

function positionsOf(findings: readonly Finding[]): readonly number[] {
  return findings.map(({ job }) => job.position);
}
