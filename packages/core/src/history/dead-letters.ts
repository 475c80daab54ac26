import type { ErrorClass } from '../job/error-class.ts';
import type { DeadLetterNote } from '../job/event.ts';
import type { JobError } from '../job/result.ts';
import type { FinalState } from '../job/state.ts';

/** A job that failed for good, and what became of it. It is written together with the final state. Times are RFC 3339 in UTC. */
export interface DeadLetter extends DeadLetterNote {
  readonly tenant: string;
  readonly job_id: string;
  readonly operation: string;
  readonly pool: string;
  readonly name: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly status: FinalState;
  readonly error: JobError | null;
  /** How many attempts the job had. */
  readonly attempts: number;
  readonly died_at: string;
  /** The job that does the work in its place. */
  readonly requeued_as: string | null;
  readonly requeued_at: string | null;
}

/** *open*: nobody has dealt with it yet. */
export type DeadLetterState = 'open' | 'requeued';

/** All members must hold; of a list, any entry. */
export interface DeadLetterFilter {
  readonly tenant: string;
  readonly state?: readonly DeadLetterState[];
  readonly class?: readonly ErrorClass[];
  readonly operation?: readonly string[];
  readonly errorCode?: readonly string[];
  /** Each of them. */
  readonly labels?: Readonly<Record<string, string>>;
  /** When the job died: `since` is within, `until` is not. */
  readonly died?: { readonly since?: string; readonly until?: string };
}

export interface DeadLetterPage {
  readonly letters: readonly DeadLetter[];
  /** Opaque; `null` on the last page. Those that died last come first. */
  readonly nextCursor: string | null;
}

export interface DeadLetters {
  /** @throws RangeError when the cursor is not one of ours */
  listDeadLetters(
    filter: DeadLetterFilter,
    page: { readonly limit: number; readonly cursor?: string },
  ): Promise<DeadLetterPage>;
  countDeadLetters(filter: DeadLetterFilter): Promise<ReadonlyMap<ErrorClass, number>>;
  findDeadLetter(tenant: string, jobId: string): Promise<DeadLetter | undefined>;
  /** Notes which job is to do the work; where one is noted already, that stays. Answers with the letter as it is then. */
  claimRequeue(tenant: string, jobId: string, newJobId: string): Promise<DeadLetter | undefined>;
  /** Takes a letter away; the job stays in history. `false` when there is none. */
  purgeDeadLetter(tenant: string, jobId: string): Promise<boolean>;
}
