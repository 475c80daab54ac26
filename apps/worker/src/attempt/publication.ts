import { setTimeout as delay } from 'node:timers/promises';
import type { AttemptClaim, Fence } from '@guestkit/core/coordination/fence';
import type { JobDocument } from '@guestkit/core/job/document';

/** The fence remembers an attempt for so much longer than it may run. */
const REMEMBERED_MS = 24 * 3600 * 1000;
const ASK_AGAIN_MS = 100;

/** Makes an attempt the one that may publish outputs. */
export function claimPublication(
  fence: Fence,
  claim: AttemptClaim,
  { execution }: JobDocument,
): ReturnType<Fence['raise']> {
  return fence.raise(claim, Math.min(execution.timeout_seconds * 1000 + REMEMBERED_MS, Number.MAX_SAFE_INTEGER));
}

/** Whether the attempt may publish right now. While Redis is away nobody can say, until the signal says that it is not wanted any more. */
export async function mayPublish(fence: Fence, claim: AttemptClaim, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    const answer = await fence.holds(claim).catch(() => undefined);
    if (answer !== undefined) return answer;
    await delay(ASK_AGAIN_MS, undefined, { signal }).catch(() => {});
  }
  return false;
}
