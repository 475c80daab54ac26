import { setTimeout as delay } from 'node:timers/promises';
import type { AttemptClaim, Fence } from '@guestkit/core/coordination/fence';
import type { JobDocument } from '@guestkit/core/job/document';

/** The fence remembers an attempt for so much longer than it may run. */
const REMEMBERED_MS = 24 * 3600 * 1000;
const ASK_AGAIN_MS = 100;

interface Publication {
  readonly claim: AttemptClaim;
  readonly document: JobDocument;
  readonly signal: AbortSignal;
}

/** Makes an attempt the one that may publish outputs. `stopped` when it is not wanted any more before anybody can say. */
export async function claimPublication(
  fence: Fence,
  { claim, document, signal }: Publication,
): Promise<Awaited<ReturnType<Fence['raise']>> | 'stopped'> {
  const { timeout_seconds: seconds } = document.execution;
  const timeToLiveMs = Math.min(seconds * 1000 + REMEMBERED_MS, Number.MAX_SAFE_INTEGER);
  return (await askUntilAnswered(() => fence.raise(claim, timeToLiveMs), signal)) ?? 'stopped';
}

/** Whether the attempt may publish right now. */
export async function mayPublish(fence: Fence, claim: AttemptClaim, signal: AbortSignal): Promise<boolean> {
  return (await askUntilAnswered(() => fence.holds(claim), signal)) ?? false;
}

/** While Redis is away or full nobody can say. */
async function askUntilAnswered<Answer>(ask: () => Promise<Answer>, signal: AbortSignal): Promise<Answer | undefined> {
  while (!signal.aborted) {
    const answer = await ask().catch(() => undefined);
    if (answer !== undefined) return answer;
    await delay(ASK_AGAIN_MS, undefined, { signal }).catch(() => {});
  }
  return undefined;
}
