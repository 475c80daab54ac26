const LOOK_MS = 100;

interface Waiting {
  readonly lost: AbortSignal;
  readonly giveUp: () => void;
}

/**
 * Waits for what attempts have to say, unless their jobs cease to be theirs meanwhile. One timer looks after all of them: a listener
 * for each costs as much as the saying.
 */
export class LossWatch {
  readonly #waiting = new Set<Waiting>();
  #timer: NodeJS.Timeout | undefined;

  /** `false` when the job was lost before the work was done. */
  untilLost(work: Promise<void>, lost: AbortSignal): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const waiting = { lost, giveUp: () => resolve(false) };
      this.#waiting.add(waiting);
      this.#timer ??= setTimeout(() => this.#look(), LOOK_MS);
      work.then(
        () => {
          this.#waiting.delete(waiting);
          resolve(true);
        },
        (error) => {
          this.#waiting.delete(waiting);
          reject(error);
        },
      );
    });
  }

  #look(): void {
    for (const waiting of this.#waiting) {
      if (!waiting.lost.aborted) continue;
      this.#waiting.delete(waiting);
      waiting.giveUp();
    }
    this.#timer = this.#waiting.size > 0 ? setTimeout(() => this.#look(), LOOK_MS) : undefined;
  }
}
