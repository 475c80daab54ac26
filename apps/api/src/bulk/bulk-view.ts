import { BULK_STATES, BULK_VERBS, type BulkOperation } from '@guestkit/core/history/bulk-operations';
import * as z from 'zod';
import { timestamp } from '../job-view.ts';

export const bulkSchema = z.object({
  bulk_id: z.string(),
  verb: z.enum(BULK_VERBS),
  filter: z.record(z.string(), z.unknown()).describe('As it was understood'),
  state: z
    .enum(BULK_STATES)
    .describe('`stopping`: its last batch is under way; what was done before an operation stopped stays done'),
  total: z.int().describe('Jobs that matched when it was asked for'),
  matched: z.int().describe('Jobs that matched when their turn came: the sum of the next three'),
  changed: z.int(),
  skipped: z.int().describe('Jobs whose state or document did not allow it'),
  failed: z.int(),
  error: z.string().nullable().describe('Why one of those that failed did'),
  requested_by: z.string(),
  request_id: z.string(),
  created_at: timestamp,
  started_at: timestamp.nullable(),
  finished_at: timestamp.nullable(),
});

export type BulkView = Omit<BulkOperation, 'filter'> & { readonly filter: Readonly<Record<string, unknown>> };

export function bulkViewOf({ filter: { tenant, ...filter }, ...operation }: BulkOperation): BulkView {
  return { ...operation, filter };
}
