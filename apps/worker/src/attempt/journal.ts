import type { EndPublication, EventStream } from '@guestkit/core/coordination/event-stream';
import type { AttemptClaim } from '@guestkit/core/coordination/fence';
import { type JobEvent, type JobEventBase, sequenceOf } from '@guestkit/core/job/event';
import { timestampOf } from '@guestkit/core/job/timestamp';
import type { Delivery } from '@guestkit/core/queue/job-queue';
import type { Progress } from '@guestkit/operations/operation';

type Told<Event> = Event extends JobEvent ? Omit<Event, keyof JobEventBase> : never;
/** What happened, without the members that every event has. */
export type Happening = Told<JobEvent>;

export interface JournalOptions {
  readonly events: EventStream;
  readonly delivery: Delivery;
  readonly token: string;
  readonly workerId: string;
  readonly onError: (error: Error) => void;
}

/** Tells the event stream what happens in one attempt, numbered in order. */
export class AttemptJournal {
  readonly #options: JournalOptions;
  #next = 0;
  #newest: JobEvent | undefined;
  #noted: JobEvent[] = [];

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  /** Resolves once the stream has them. */
  async tell(...happenings: readonly Happening[]): Promise<void> {
    await this.#options.events.publish(this.#take(happenings));
  }

  /** The same for the last of an attempt that may publish outputs: unless it is overtaken. */
  tellEnd(claim: AttemptClaim, ...happenings: readonly Happening[]): Promise<EndPublication> {
    return this.#options.events.publishEnd(this.#take(happenings), claim);
  }

  /** For what may be told together with what comes next. */
  note(...happenings: readonly Happening[]): void {
    for (const happening of happenings) this.#noted.push(this.#eventOf(happening));
  }

  /** What was told last. */
  get newest(): JobEvent | undefined {
    return this.#newest;
  }

  /** For what the attempt need not wait for. */
  mention(...happenings: readonly Happening[]): void {
    this.tell(...happenings).catch(this.#options.onError);
  }

  #take(happenings: readonly Happening[]): readonly JobEvent[] {
    this.note(...happenings);
    const events = this.#noted;
    this.#noted = [];
    this.#newest = events.at(-1);
    return events;
  }

  #eventOf(happening: Happening): JobEvent {
    const { delivery, workerId, token } = this.#options;
    const { attempt, job } = delivery;
    const sequence = sequenceOf(attempt, this.#next);
    this.#next += 1;
    return {
      tenant: job.tenant,
      job_id: job.document.job_id,
      attempt,
      sequence,
      timestamp: timestampOf(Date.now()),
      worker_id: workerId,
      token,
      ...happening,
    };
  }
}

export function progressHappening({ phase, percent, message }: Progress): Happening {
  return { type: 'progress', phase, progress_percent: percent, message };
}
