import type { JobFilter, TimeRange } from '@guestkit/core/history/job-search';
import { JOB_STATES } from '@guestkit/core/job/state';
import { epochMsOf, normaliseTimestamp } from '@guestkit/core/job/timestamp';
import * as z from 'zod';
import { payloadMatch } from './payload-match.ts';
import { Problem } from './problem.ts';
import { readParameters, several, single } from './request/query.ts';

const anyOf = 'Any of these; repeat it, or part values by commas';

/** History has times in milliseconds, as text. */
const time = z.string().transform((text, context) => {
  const timestamp = normaliseTimestamp(text);
  if (timestamp !== undefined) return new Date(epochMsOf(timestamp)).toISOString();
  context.addIssue('expected a time with an offset, such as 2026-05-04T08:00:00Z');
  return z.NEVER;
});

export const since = (what: string) => single(time).optional().describe(`${what} then or later (RFC 3339)`);
export const until = (what: string) => single(time).optional().describe(`${what} before then (RFC 3339)`);

/** What jobs can be found by, as parameters of a query; a body gives the same as members, each a text or a list of texts. */
export const filterShape = {
  status: several(z.enum(JOB_STATES)).optional().describe(anyOf),
  operation: several(z.string().min(1)).optional().describe(anyOf),
  pool: several(z.string().min(1)).optional().describe(anyOf),
  worker: several(z.string().min(1)).optional().describe(`Worker of the latest attempt. ${anyOf}`),
  error: several(z.string().min(1)).optional().describe(`Error code. ${anyOf}`),
  label: z
    .array(z.string().regex(/^[^=]+=/, 'expected KEY=VALUE'))
    .optional()
    .describe('`KEY=VALUE`; repeat it to demand several labels'),
  payload: z
    .array(payloadMatch)
    .optional()
    .describe(
      '`PATH=VALUE`: a value within `payload.data`, such as `image.path=/a.qcow2` or `disks.0.size=3`; repeat it to demand several. ' +
        'A VALUE that is a JSON number, text, true, false or null is that, any other is a text',
    ),
  name: single(z.string().min(1)).optional().describe('Text in the name; ASCII letters match in either case'),
  submitted_since: since('Submitted'),
  submitted_until: until('Submitted'),
  started_since: since('Latest attempt started'),
  started_until: until('Latest attempt started'),
  completed_since: since('Ended'),
  completed_until: until('Ended'),
  archived: single(z.enum(['true', 'false']).transform((text) => text === 'true'))
    .optional()
    .describe('`true`: the archive instead of the other jobs'),
};

const filterSchema = z.object(filterShape);

/** A filter as a body gives it. */
export const filterBodySchema = z.record(z.string(), z.union([z.string(), z.array(z.string())]));

/** @throws Problem `bad-request`, which names the member at fault */
export function filterOfBody(tenant: string, body: z.output<typeof filterBodySchema>): JobFilter {
  const values = new Map(Object.entries(body).map(([name, value]) => [name, [value].flat()]));
  return filterOf(tenant, readParameters(values, filterSchema, badFilter));
}

function badFilter(name: string, reason: string): Problem {
  const field = `filter.${name}`;
  return new Problem('bad-request', `Cannot read the body: ${field}: ${reason}`, { details: { field } });
}

export function filterOf(tenant: string, given: z.output<typeof filterSchema>): JobFilter {
  const { status, operation, pool, worker, error, label, payload, name, archived } = given;
  return {
    tenant,
    ...(archived && { archived }),
    ...(status && { status }),
    ...(operation && { operation }),
    ...(pool && { pool }),
    ...(worker && { worker }),
    ...(error && { errorCode: error }),
    ...(label && { labels: labelsOf(label) }),
    ...(payload && { payload }),
    ...(name !== undefined && { name }),
    ...rangeOf('submitted', given.submitted_since, given.submitted_until),
    ...rangeOf('started', given.started_since, given.started_until),
    ...rangeOf('completed', given.completed_since, given.completed_until),
  };
}

function rangeOf<Name extends string>(
  name: Name,
  since: string | undefined,
  until: string | undefined,
): Partial<Record<Name, TimeRange>> {
  if (since === undefined && until === undefined) return {};
  const range: TimeRange = { ...(since !== undefined && { since }), ...(until !== undefined && { until }) };
  return { [name]: range } as Partial<Record<Name, TimeRange>>;
}

/** The value may hold further equals signs. */
export function labelsOf(pairs: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
}
