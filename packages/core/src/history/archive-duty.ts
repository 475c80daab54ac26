import { setTimeout as delay } from 'node:timers/promises';
import type { Duty } from '../coordination/duty.ts';
import type { FinalState } from '../job/state.ts';
import type { EndedJobs, JobArchive } from './job-archive.ts';

export interface ArchiveParts {
  readonly history: JobArchive;
  /** Milliseconds from the end of a job to the archive, for each state that goes there. */
  readonly archiveAfter: ReadonlyMap<FinalState, number>;
  /** Milliseconds from the end of a job to its deletion from the archive. */
  readonly deleteAfter: ReadonlyMap<FinalState, number>;
  readonly clock: () => number;
  /** Told of each batch. */
  readonly onMoved?: (what: 'archived' | 'deleted', jobs: number) => void;
  readonly batchSize?: number;
  readonly everyMs?: number;
}

/** Others write between two batches: so long as a batch takes, and at least that. */
const MIN_PAUSE_MS = 20;

/** Moves jobs to the archive, and deletes them from it, when they have the age: batch by batch, each a short transaction. */
export function archiveDuty(parts: ArchiveParts): Duty {
  const { history, archiveAfter, deleteAfter, everyMs = 60_000 } = parts;
  return {
    name: 'archive',
    everyMs,
    async run(signal) {
      await inBatches(parts, archiveAfter, signal, async (ended) => {
        const jobs = await history.archive(ended);
        parts.onMoved?.('archived', jobs);
        return jobs;
      });
      await inBatches(parts, deleteAfter, signal, async (ended) => {
        const jobs = await history.deleteArchived(ended);
        parts.onMoved?.('deleted', jobs);
        return jobs;
      });
    },
  };
}

async function inBatches(
  { clock, batchSize = 500 }: ArchiveParts,
  ages: ReadonlyMap<FinalState, number>,
  signal: AbortSignal,
  move: (ended: EndedJobs) => Promise<number>,
): Promise<void> {
  for (const [status, ageMs] of ages) {
    const before = new Date(clock() - ageMs).toISOString();
    while (!signal.aborted) {
      const start = performance.now();
      const jobs = await move({ status: [status], before, limit: batchSize });
      if (jobs === 0) break;
      const pauseMs = Math.max(MIN_PAUSE_MS, performance.now() - start);
      await delay(pauseMs, undefined, { signal }).catch(() => {});
    }
  }
}
