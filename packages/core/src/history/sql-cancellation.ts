import type { Kysely } from 'kysely';
import { finalStateOf } from '../job/error-code.ts';
import type { JobEvent } from '../job/event.ts';
import type { JobError, ResultDocument } from '../job/result.ts';
import { isFinal } from '../job/state.ts';
import type { CancelAnswer, OpenCancelPage } from './cancellation.ts';
import { jobById } from './job-by-id.ts';
import { JOB_COLUMNS, type JobRowWithoutResult, toJobRecord } from './rows.ts';
import type { HistorySchema } from './schema.ts';
import type { SqlFlavour } from './sql-flavour.ts';
import { writeEvents } from './write-events.ts';

// Wishes to cancel as columns of their jobs, and the ends that history itself makes.

export interface CancelDemand {
  readonly tenant: string;
  readonly jobId: string;
  readonly reason: string;
}

export async function requestCancel(
  db: Kysely<HistorySchema>,
  flavour: SqlFlavour,
  { tenant, jobId, reason }: CancelDemand,
): Promise<CancelAnswer | undefined> {
  return flavour.transaction(db, async (trx) => {
    const row = await flavour.hold(jobById(trx, tenant, jobId)).executeTakeFirst();
    if (row === undefined) return undefined;
    const job = toJobRecord(row);
    if (isFinal(row.status)) return { outcome: 'ended', job };
    if (!job.document.execution.cancellable) return { outcome: 'refused', job };
    // the first wish stands, with its time and reason
    if (row.cancel_requested_at !== null) return { outcome: 'requested', job };
    const wish = { cancel_requested_at: new Date().toISOString(), cancel_reason: reason };
    await trx.updateTable('jobs').set(wish).where('id', '=', row.id).execute();
    return { outcome: 'requested', job: toJobRecord({ ...row, ...wish }) };
  });
}

export async function openCancels(
  db: Kysely<HistorySchema>,
  { limit, after = 0 }: { readonly limit: number; readonly after?: number },
): Promise<OpenCancelPage> {
  const rows = await db
    .selectFrom('jobs')
    .select([...JOB_COLUMNS, 'cancel_reason'])
    .where('cancel_requested_at', 'is not', null)
    .where('completed_at', 'is', null)
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute();
  return {
    cancels: rows.map((row) => ({
      job: toJobRecord(row),
      reason: row.cancel_reason ?? '',
      requestedAtMs: Date.parse(row.cancel_requested_at ?? ''),
    })),
    next: rows.length === limit ? rows.at(-1)?.id : undefined,
  };
}

export async function endUnheld(
  db: Kysely<HistorySchema>,
  flavour: SqlFlavour,
  { tenant, jobId, error }: { readonly tenant: string; readonly jobId: string; readonly error: JobError },
): Promise<boolean> {
  return flavour.transaction(db, async (trx) => {
    const row = await flavour.hold(jobById(trx, tenant, jobId)).executeTakeFirst();
    if (row === undefined || isFinal(row.status)) return false;
    await writeEvents(trx, [endOf(row, error, new Date().toISOString())], flavour);
    return true;
  });
}

/** The end of a job that no worker holds, told like any other. */
function endOf(row: JobRowWithoutResult, error: JobError, now: string): JobEvent {
  const { tenant, job_id, attempt, started_at } = row;
  const result: ResultDocument = {
    job_id,
    worker_id: '',
    status: finalStateOf(error),
    failed_at: now,
    execution_summary: { started_at: started_at ?? now, duration_seconds: 0, duration_ms: 0, attempt },
    error,
  };
  const sequence = row.last_sequence + 1;
  return { type: 'finished', tenant, job_id, attempt, sequence, timestamp: now, worker_id: '', result };
}
