import { setTimeout } from 'node:timers/promises';
import { RemoteError } from './remote-error.ts';

const MAX_ATTEMPTS = 4;
export const FIRST_PAUSE_MS = 200;
const MAX_PAUSE_MS = 10_000;

export interface RetryOptions {
  readonly signal: AbortSignal;
  readonly onRetry: () => void;
  /** Before the second attempt; twice as long before each that follows. */
  readonly pauseMs: number;
}

/** Tries again what failed because the server did not answer, a few times and ever later. */
export async function withRetries<Value>(
  attempt: () => Promise<Value>,
  { signal, onRetry, pauseMs }: RetryOptions,
): Promise<Value> {
  for (let tried = 1; ; tried++) {
    try {
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      const mayPass = error instanceof RemoteError && error.kind === 'unreachable';
      if (!mayPass || tried === MAX_ATTEMPTS) throw error;
      onRetry();
      await setTimeout(pauseOf(pauseMs * 2 ** (tried - 1), error.waitMs), undefined, { signal });
    }
  }
}

/** With chance in it, so that those who were turned away together do not come back together. */
function pauseOf(ownMs: number, askedMs: number): number {
  return Math.min(MAX_PAUSE_MS, Math.max(ownMs * (0.5 + Math.random()), askedMs));
}
