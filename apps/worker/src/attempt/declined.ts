/** The first times a job goes on to another idle worker at once: they claim in turn. */
const QUICK_DECLINES = 4;
const QUICK_MS = 20;
/** After that nobody who may run it seems to be free. */
const SLOW_MS = 500;
const KEPT_JOBS = 1_000;

/** Remembers which jobs this worker declined, and says for how long each should stay away. */
export class Declined {
  readonly #counts = new Map<string, number>();
  readonly #random: () => number;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Spread out, so that those who may not run a job do not all come back at once. */
  delayMs(jobId: string): number {
    const count = (this.#counts.get(jobId) ?? 0) + 1;
    // what is declined again goes to the end, what is not falls off the front
    this.#counts.delete(jobId);
    this.#counts.set(jobId, count);
    if (this.#counts.size > KEPT_JOBS) this.#counts.delete(this.#counts.keys().next().value ?? '');
    const baseMs = count <= QUICK_DECLINES ? QUICK_MS : SLOW_MS;
    return Math.round(baseMs * (1 + this.#random()));
  }
}
