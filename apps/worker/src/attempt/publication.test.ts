import type { AttemptClaim, Fence } from '@guestkit/core/coordination/fence';
import { describe, expect, test } from 'vitest';
import { jobDocument } from '../../../../test/support/job.ts';
import { claimPublication } from './publication.ts';

const CLAIM: AttemptClaim = { tenant: 'default', jobId: 'job-1', attempt: 1, token: 't' };

/** Refuses some times, as a Redis without memory does. */
function refusing(times: number): Fence {
  let left = times;
  return {
    raise: async () => {
      if (left-- > 0) throw new Error('OOM command not allowed');
      return 'raised';
    },
    holds: async () => true,
    close: async () => {},
  };
}

describe('claimPublication', () => {
  const publication = (signal: AbortSignal) => ({ claim: CLAIM, document: jobDocument(), signal });

  test('asks again while Redis has no memory for the claim, so that an attempt that has begun is not begun anew', async () => {
    expect(await claimPublication(refusing(2), publication(new AbortController().signal))).toBe('raised');
  });

  test('gives up when the attempt is not wanted any more', async () => {
    const signal = AbortSignal.timeout(50);
    expect(await claimPublication(refusing(Number.POSITIVE_INFINITY), publication(signal))).toBe('stopped');
  });
});
