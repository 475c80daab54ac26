import type { JobEvent } from '../job/event.ts';
import type { AttemptClaim } from './fence.ts';

/** Carries job events from workers to the recorders of history: at least once, in order per worker. */
export interface EventStream extends AsyncDisposable {
  /** Resolves once the stream has the events. */
  publish(events: readonly JobEvent[]): Promise<void>;
  /**
   * The last events of an attempt that may publish outputs, and closes the fence of its job: one step, so that no attempt publishes
   * after the stream has the end. The stream has nothing if a newer attempt has begun (`overtaken`) or the fence is `closed` already.
   */
  publishEnd(events: readonly JobEvent[], claim: AttemptClaim): Promise<EndPublication>;
  /**
   * Hands batches to `record` until the signal fires; a batch counts as read when `record` resolves. Several consumers share the
   * work, and what a vanished one had read but not recorded goes to another.
   */
  consume(options: EventConsumption, signal: AbortSignal): Promise<void>;
  /** The place of the newest event at present. */
  mark(): Promise<string>;
  /** Whether nothing up to a mark is left to be recorded. */
  isRecorded(mark: string): Promise<boolean>;
  backlog(): Promise<EventBacklog>;
}

/** What became of the end of an attempt. */
export type EndPublication = 'published' | 'overtaken' | 'closed';

export interface EventConsumption {
  readonly consumer: string;
  readonly batchSize: number;
  readonly record: (events: readonly JobEvent[]) => Promise<void>;
  readonly onError: (error: Error) => void;
}

/** What is left to be recorded. */
export interface EventBacklog {
  readonly entries: number;
  /** Milliseconds since the epoch; of the oldest one. */
  readonly sinceMs: number | undefined;
}
