import type { Kysely, Transaction } from 'kysely';
import { finalStateOf } from '../job/error-code.ts';
import type { JobEvent } from '../job/event.ts';
import type { JobError, ResultDocument } from '../job/result.ts';
import { isFinal } from '../job/state.ts';
import type { CancelAnswer, OpenCancelPage } from './cancellation.ts';
import { jobsByIds } from './job-by-id.ts';
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

/** In one transaction, with an answer for each in its place. */
export async function requestCancels(
  db: Kysely<HistorySchema>,
  flavour: SqlFlavour,
  demands: readonly CancelDemand[],
): Promise<readonly (CancelAnswer | undefined)[]> {
  return flavour.transaction(db, async (trx) => {
    const rows = await holdJobs(trx, flavour, demands);
    const answers: (CancelAnswer | undefined)[] = [];
    for (const demand of demands) {
      const row = rows.get(nameOf(demand));
      answers.push(row && (await requestCancel(trx, row, demand.reason)));
    }
    return answers;
  });
}

async function requestCancel(
  trx: Transaction<HistorySchema>,
  row: JobRowWithoutResult,
  reason: string,
): Promise<CancelAnswer> {
  const job = toJobRecord(row);
  if (isFinal(row.status)) return { outcome: 'ended', job };
  if (!job.document.execution.cancellable) return { outcome: 'refused', job };
  // the first wish stands, with its time and reason
  if (row.cancel_requested_at !== null) return { outcome: 'requested', job };
  const wish = { cancel_requested_at: new Date().toISOString(), cancel_reason: reason };
  await trx.updateTable('jobs').set(wish).where('id', '=', row.id).where('cancel_requested_at', 'is', null).execute();
  return { outcome: 'requested', job: toJobRecord({ ...row, ...wish }) };
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

export interface EndDemand {
  readonly tenant: string;
  readonly jobId: string;
  readonly error: JobError;
}

/** In one transaction; `true` for those that had not ended before. */
export async function endAllUnheld(
  db: Kysely<HistorySchema>,
  flavour: SqlFlavour,
  demands: readonly EndDemand[],
): Promise<readonly boolean[]> {
  return flavour.transaction(db, async (trx) => {
    const rows = await holdJobs(trx, flavour, demands);
    const now = new Date().toISOString();
    const ends = demands.map((demand) => {
      const row = rows.get(nameOf(demand));
      // the first of two that are about one job ends it
      rows.delete(nameOf(demand));
      return row && !isFinal(row.status) ? endOf(row, demand.error, now) : undefined;
    });
    await writeEvents(
      trx,
      ends.filter((end) => end !== undefined),
      flavour,
    );
    return ends.map((end) => end !== undefined);
  });
}

type JobName = Pick<CancelDemand, 'tenant' | 'jobId'>;

async function holdJobs(
  trx: Transaction<HistorySchema>,
  flavour: SqlFlavour,
  names: readonly JobName[],
): Promise<Map<string, JobRowWithoutResult>> {
  const rows = new Map<string, JobRowWithoutResult>();
  for (const [tenant, group] of Map.groupBy(names, (name) => name.tenant)) {
    const jobIds = group.map(({ jobId }) => jobId);
    for (const row of await flavour.hold(jobsByIds(trx, tenant, jobIds)).execute()) {
      rows.set(nameOf({ tenant, jobId: row.job_id }), row);
    }
  }
  return rows;
}

function nameOf({ tenant, jobId }: JobName): string {
  return JSON.stringify([tenant, jobId]);
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
