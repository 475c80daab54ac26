import type { JobFilter } from '@guestkit/core/history/job-history';
import { JOB_STATES } from '@guestkit/core/job/state';
import * as z from 'zod';
import { several } from './request/query.ts';

/** What jobs can be found by, as parameters of a query; a body gives the same as members, each a text or a list of texts. */
export const filterShape = {
  status: several(z.enum(JOB_STATES)).optional().describe('Any of these; repeat it, or part values by commas'),
  operation: several(z.string().min(1)).optional().describe('Any of these; repeat it, or part values by commas'),
  label: z
    .array(z.string().regex(/^[^=]+=/, 'expected KEY=VALUE'))
    .optional()
    .describe('`KEY=VALUE`; repeat it to demand several labels'),
};

const filterSchema = z.object(filterShape);

export function filterOf(tenant: string, { status, operation, label }: z.output<typeof filterSchema>): JobFilter {
  return {
    tenant,
    ...(status && { status }),
    ...(operation && { operation }),
    ...(label && { labels: labelsOf(label) }),
  };
}

/** The value may hold further equals signs. */
function labelsOf(pairs: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
}
