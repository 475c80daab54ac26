import type { JobPresence } from '../../queue/job-queue.ts';
import { byQueue } from '../by-queue.ts';
import { hasRecorded } from '../has-recorded.ts';
import type { UnfinishedJob } from '../unfinished-jobs.ts';
import { type Disagreement, disagreementOf } from './disagreement.ts';
import type { ReconcileParts } from './reconcile-parts.ts';

/** A disagreement about a job that has not ended in history. */
export interface Finding extends Disagreement {
  readonly job: UnfinishedJob;
  readonly presence: JobPresence;
}

/**
 * In what history and the queue really disagree about jobs that have not ended in history. Workers tell the stream before they
 * answer the queue; so a suspicion counts only if, once all that was told by then is recorded, both still stand as they stood.
 */
export async function findingsAmong(
  jobs: readonly UnfinishedJob[],
  parts: ReconcileParts,
): Promise<readonly Finding[]> {
  const suspicions = await suspicionsAmong(jobs, parts);
  if (suspicions.length === 0 || !(await hasRecorded(parts.stream))) return [];
  const unchanged = await unchangedAmong(
    suspicions.map(({ job }) => job),
    parts,
  );
  const kinds = new Map(suspicions.map(({ job, kind }) => [job.position, kind]));
  const findings = await suspicionsAmong(unchanged, parts);
  return findings.filter(({ job, kind }) => kinds.get(job.position) === kind);
}

async function suspicionsAmong(jobs: readonly UnfinishedJob[], { queue }: ReconcileParts): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const [name, group] of byQueue(jobs)) {
    const ids = group.map(({ job_id }) => job_id);
    const presences = await queue.presence(name, ids);
    for (const job of group) {
      const presence = presences.get(job.job_id) ?? { state: 'absent' };
      const kind = disagreementOf(job, presence, Date.now());
      if (kind) findings.push({ kind, ...name, job_id: job.job_id, job, presence });
    }
  }
  return findings;
}

/** Those of which nothing was told meanwhile, as they are now. */
async function unchangedAmong(
  jobs: readonly UnfinishedJob[],
  { history }: ReconcileParts,
): Promise<readonly UnfinishedJob[]> {
  const sequences = new Map(jobs.map(({ position, lastSequence }) => [position, lastSequence]));
  const now: UnfinishedJob[] = [];
  for (const [tenant, group] of Map.groupBy(jobs, (job) => job.tenant)) {
    now.push(
      ...(await history.unfinishedAmong(
        tenant,
        group.map(({ job_id }) => job_id),
      )),
    );
  }
  return now.filter(({ position, lastSequence }) => sequences.get(position) === lastSequence);
}
