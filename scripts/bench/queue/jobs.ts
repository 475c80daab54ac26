import type { AcceptedJob } from '@guestkit/core/history/job-history';
import { parseJobDocument } from '@guestkit/core/job/parse';
import { poolOf } from '@guestkit/core/job/pool';

/** The job of all contestants: a hundred bytes of payload and a label, unless it says otherwise. */
export interface Work {
  readonly operation: string;
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly payload: { readonly data: Readonly<Record<string, unknown>> };
}

const FILLER = 'x'.repeat(64);

export function work(n: number, data: Readonly<Record<string, unknown>> = { n, filler: FILLER }): Work {
  return { operation: 'bench.noop', metadata: { labels: { round: 'bench' } }, payload: { data } };
}

/** What our client layer makes of it: a document that is read and checked like any other. */
export function accepted(body: string): AcceptedJob {
  const { document } = parseJobDocument(body, 'http');
  return { tenant: 'default', pool: poolOf(document, 'default'), document, acceptedAtMs: Date.now() };
}
