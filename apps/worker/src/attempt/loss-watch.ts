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

  /** `lost` when the job was before the work was done. */
  untilLost<Answer>(work: Promise<Answer>, lost: AbortSignal): Promise<Answer | 'lost'> {
    return new Promise((resolve, reject) => {
      const waiting = { lost, giveUp: () => resolve('lost') };
      this.#waiting.add(waiting);
      this.#timer ??= setTimeout(() => this.#look(), LOOK_MS);
      work.then(
        (answer) => {
          this.#waiting.delete(waiting);
          resolve(answer);
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
