import { setTimeout } from 'node:timers/promises';
import { RemoteError } from './remote-error.ts';

const MAX_ATTEMPTS = 4;
const FIRST_DELAY_MS = 200;
const MAX_DELAY_MS = 10_000;

/** Tries again what failed because the server did not answer, a few times and ever later. */
export async function withRetries<Value>(
  attempt: () => Promise<Value>,
  { signal, onRetry }: { readonly signal: AbortSignal; readonly onRetry: () => void },
): Promise<Value> {
  for (let tried = 1; ; tried++) {
    try {
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      const mayPass = error instanceof RemoteError && error.kind === 'unreachable';
      if (!mayPass || tried === MAX_ATTEMPTS) throw error;
      onRetry();
      await setTimeout(delayMs(tried, error.waitMs), undefined, { signal });
    }
  }
}

/** With chance in it, so that those who were turned away together do not come back together. */
function delayMs(tried: number, askedMs: number): number {
  const ownMs = FIRST_DELAY_MS * 2 ** (tried - 1) * (0.5 + Math.random());
  return Math.min(MAX_DELAY_MS, Math.max(ownMs, askedMs));
}
