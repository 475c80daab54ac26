import type { Duty } from '@guestkit/core/coordination/duty';
import type { BulkOperation } from '@guestkit/core/history/bulk-operations';
import { type BulkActs, type BulkActsParts, bulkActs } from './acts.ts';

const EVERY_MS = 500;
const BATCH_JOBS = 100;

/** Carries on with what was asked to be done to many jobs, a batch of each operation in turn, until all have ended. */
export function bulkDuty(parts: BulkActsParts): Duty {
  const acts = bulkActs(parts);
  return {
    name: 'bulk',
    everyMs: EVERY_MS,
    async run(signal) {
      for (;;) {
        const open = await parts.history.openBulkOperations();
        if (open.length === 0) return;
        for (const operation of open) {
          if (signal.aborted) return;
          await doBatch(parts, acts, operation);
        }
      }
    },
  };
}

/** The batch is done again when this breaks off before it is told of. */
async function doBatch({ history }: BulkActsParts, acts: BulkActs, operation: BulkOperation): Promise<void> {
  const batch = await history.takeBulkBatch(operation, BATCH_JOBS);
  if (batch === undefined) return;
  const told = await acts[operation.verb](operation, batch.jobIds);
  await history.endBulkBatch(operation, batch, told);
}
