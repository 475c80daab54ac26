import type { Progress } from '@guestkit/operations/operation';

const INTERVAL_MS = 250;
/** More phases than any operation has; a jail that makes up others gains nothing. */
const MAX_PHASES = 32;
const NOTHING: readonly Progress[] = [];

/**
 * Holds progress back for a moment, so that an operation may tell every step without flooding the cluster. Of a phase only the
 * newest step counts, but no phase is lost, and nor is the last step.
 */
export class ProgressThrottle {
  readonly #send: (steps: readonly Progress[]) => void;
  /** Made when there is something to hold. */
  #held: Map<string, Progress> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(send: (steps: readonly Progress[]) => void) {
    this.#send = send;
  }

  add(step: Progress): void {
    this.#held ??= new Map();
    // a phase that comes back goes behind the others
    this.#held.delete(step.phase);
    if (this.#held.size >= MAX_PHASES) this.#held.clear();
    this.#held.set(step.phase, step);
    this.#timer ??= setTimeout(() => this.#send(this.take()), INTERVAL_MS);
  }

  /** What is held back, which is then for the caller to send. */
  take(): readonly Progress[] {
    if (this.#held === undefined) return NOTHING;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const steps = [...this.#held.values()];
    this.#held = undefined;
    return steps;
  }
}
