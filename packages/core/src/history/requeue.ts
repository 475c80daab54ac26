import type { JobDocument } from '../job/document.ts';
import { newJobId } from '../job/job-id.ts';
import { type ParsedJob, parseJobDocument } from '../job/parse.ts';
import { epochMsOf, timestampOf } from '../job/timestamp.ts';
import type { DeadLetter } from './dead-letters.ts';
import type { JobHistory, JobRecord } from './job-history.ts';
import { type Submission, type SubmitParts, submitJob } from './submit.ts';

/** In this annotation a job names the dead one whose work it does. */
export const REQUEUED_FROM = 'guestkit.dev/requeued-from';

/** What is to be other than it was. */
export interface RequeueEdits {
  /** Members of `payload`; `data` is replaced whole. */
  readonly payload?: Readonly<Record<string, unknown>>;
  /** Members of `execution`; null takes one out. */
  readonly execution?: Readonly<Record<string, unknown>>;
}

export type Requeue =
  | { readonly kind: 'requeued'; readonly submission: Submission; readonly warnings: readonly string[] }
  | { readonly kind: 'no-letter' }
  /** Why it cannot be done. */
  | { readonly kind: 'refused'; readonly reason: string };

export interface RequeueParts extends SubmitParts {
  readonly history: JobHistory;
  /** Milliseconds since the epoch. */
  readonly clock?: () => number;
}

/**
 * Makes a new job of a dead one, which stays as it is, and notes it in the letter first: whoever does it again, or dies in
 * between, finds the id there, and one letter never makes two jobs.
 * @throws JobDocumentError when the edited document breaks a rule of the protocol
 */
export async function requeueDeadLetter(
  parts: RequeueParts,
  { tenant, jobId }: { readonly tenant: string; readonly jobId: string },
  edits: RequeueEdits = {},
): Promise<Requeue> {
  const { history, clock = Date.now } = parts;
  const letter = await history.findDeadLetter(tenant, jobId);
  if (letter === undefined) return { kind: 'no-letter' };
  const dead = await history.find(tenant, jobId);
  if (dead === undefined) return { kind: 'refused', reason: 'its document is not kept any more' };
  const { document, warnings } = anew(dead, edits, timestampOf(clock()));
  const { deadline } = document.execution;
  if (deadline !== undefined && epochMsOf(deadline) <= clock()) {
    return { kind: 'refused', reason: `its execution.deadline passed at ${deadline}, expected another one or null` };
  }
  const claimed = await history.claimRequeue(tenant, jobId, letter.requeued_as ?? document.job_id);
  if (claimed === undefined) return { kind: 'no-letter' };
  const job = { tenant, pool: dead.pool, document: { ...document, job_id: idOf(claimed) }, acceptedAtMs: clock() };
  return { kind: 'requeued', submission: await submitJob(parts, job), warnings };
}

/** A key stays with its first job: a new one under it would be taken for that. */
function anew({ document }: JobRecord, { payload, execution }: RequeueEdits, now: string): ParsedJob {
  const { idempotency_key, attempt, ...kept } = document.execution;
  const members = {
    ...document,
    job_id: newJobId(),
    created_at: now,
    metadata: {
      ...document.metadata,
      annotations: { ...document.metadata?.annotations, [REQUEUED_FROM]: document.job_id },
    },
    execution: merged(kept, execution),
    payload: { ...document.payload, ...payload },
  };
  return parseJobDocument(JSON.stringify(members), 'http');
}

function merged(members: JobDocument['execution'] | object, edits: RequeueEdits['execution'] = {}): object {
  return Object.fromEntries(Object.entries({ ...members, ...edits }).filter(([, value]) => value !== null));
}

function idOf({ requeued_as, job_id }: DeadLetter): string {
  if (requeued_as === null) throw new Error(`Cannot requeue job "${job_id}": its letter did not take the new id`);
  return requeued_as;
}
