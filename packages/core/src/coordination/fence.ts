import type { WritingAttempt } from '../job/writing-attempt.ts';

/** One attempt among all that a job ever has. */
export interface AttemptClaim {
  readonly tenant: string;
  readonly jobId: string;
  readonly attempt: number;
  /** Tells attempts of one number apart, which a Redis that was rolled back may bring about. */
  readonly token: string;
}

/** Who may publish the outputs of a job: the newest of its attempts, by number and then by token. */
export interface Fence {
  /** An attempt that may publish begins; it is remembered for so long. `overtaken`: a newer one has begun before it. */
  raise(claim: AttemptClaim, timeToLiveMs: number): Promise<'raised' | 'overtaken' | 'closed'>;
  /**
   * Whether it is still the newest. An attempt that the fence does not know may not publish. Rejects while nobody can say: a queue
   * that may have been rolled back hands out jobs again that have ended, until it is compared with history.
   */
  holds(claim: AttemptClaim): Promise<boolean>;
  /** Lets nobody publish for a job that has ended without a word of its attempts. */
  close(tenant: string, jobId: string): Promise<void>;
}

/** What is known of attempts that write, or have written before they were killed. */
export interface WritingAttempts {
  /** `over`: it never may publish again. `unknown`: the fence does not know its job, or has forgotten a newer attempt. */
  standingOf(attempt: WritingAttempt): Promise<'newest' | 'over' | 'unknown'>;
}

const PROCESS = crypto.randomUUID().slice(0, 8);
let tokens = 0;

/** Later ones are greater, as far as the clocks of the workers agree. */
export function newToken(nowMs: number): string {
  tokens += 1;
  return `${nowMs.toString(36).padStart(9, '0')}-${PROCESS}-${tokens.toString(36)}`;
}
