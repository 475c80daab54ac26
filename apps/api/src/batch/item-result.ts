import type { Acceptance } from '@guestkit/core/history/job-history';
import * as z from 'zod';
import { conflictOf } from '../posted-job.ts';
import { type Problem, problemOf } from '../problem.ts';

/** What became of an item. */
export const ITEM_STATUSES = ['created', 'duplicate', 'conflict', 'invalid', 'failed'] as const;
export type ItemStatus = (typeof ITEM_STATUSES)[number];

export const itemResultSchema = z.object({
  index: z.int().describe('Place of the document in the batch, from 0; blank lines do not count'),
  status: z
    .enum(ITEM_STATUSES)
    .describe('`failed`: a fault on our side, so that it is safe and worthwhile to post the document again'),
  job_id: z.string().nullable().describe('Of a duplicate or conflict: the job that was there before'),
  warnings: z.array(z.string()).optional().describe('What was let pass but deserves a look'),
  error: z
    .object({
      code: z.string(),
      message: z.string(),
      field: z.string().optional().describe('Dotted path of the member at fault'),
    })
    .optional(),
});

export interface ItemResult {
  readonly index: number;
  readonly status: ItemStatus;
  readonly job_id: string | null;
  readonly warnings?: readonly string[];
  readonly error?: ItemError;
}

interface ItemError {
  readonly code: string;
  readonly message: string;
  readonly field?: string;
}

const MAX_WARNINGS = 10;
const MAX_TEXT = 500;

/** What a client can mend is invalid; what is a fault of ours has failed. */
export function refusedItem(index: number, error: unknown, jobId: string | null = null): ItemResult {
  const problem = problemOf(error);
  return { index, status: problem.status < 500 ? 'invalid' : 'failed', job_id: jobId, error: errorOf(problem) };
}

export function acceptedItem(index: number, acceptance: Acceptance, warnings: readonly string[]): ItemResult {
  const { outcome: status, job } = acceptance;
  const result = { index, status, job_id: job.job_id };
  if (acceptance.outcome === 'conflict') return { ...result, error: errorOf(conflictOf(acceptance)) };
  return { ...result, ...(warnings.length > 0 && { warnings: warnings.slice(0, MAX_WARNINGS).map(shortened) }) };
}

function errorOf({ body: { error: code, message, details } }: Problem): ItemError {
  const field = details?.field;
  return { code, message: shortened(message), ...(typeof field === 'string' && { field }) };
}

/** Answers quote what documents say, and are held until the last of them is judged. */
function shortened(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}
