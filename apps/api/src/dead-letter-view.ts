import type { DeadLetter } from '@guestkit/core/history/dead-letters';
import * as z from 'zod';
import { attemptSchema, deadLetterNoteSchema, jobErrorSchema, timestamp } from './job-view.ts';

export const deadLetterSchema = deadLetterNoteSchema.extend({
  job_id: z.string(),
  operation: z.string(),
  pool: z.string(),
  name: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
  status: z.enum(['failed', 'timeout']),
  error: jobErrorSchema.nullable(),
  attempts: z.int().describe('How many the job had'),
  died_at: timestamp,
  requeued_as: z.string().nullable().describe('The job that does the work in its place'),
  requeued_at: timestamp.nullable(),
});

export const deadLetterStatusSchema = deadLetterSchema.extend({
  history: z.array(attemptSchema).describe('The attempts, in order'),
  payload: z.unknown().describe('As it was; null where the job is not kept any more'),
  execution: z.unknown().describe('As it was; null where the job is not kept any more'),
});

export function letterViewOf({ tenant, ...letter }: DeadLetter): Omit<DeadLetter, 'tenant'> {
  return letter;
}
