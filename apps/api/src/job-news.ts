/**
 * Wakes those who follow a job when this node has recorded something about it. What another node records is found by looking again
 * now and then, so a missed ring costs time and nothing else.
 */
export class JobNews {
  readonly #followers = new Map<string, Set<() => void>>();

  ring(jobIds: Iterable<string>): void {
    for (const jobId of jobIds) {
      for (const wake of this.#followers.get(jobId) ?? []) wake();
    }
  }

  /** Resolves at the next ring for the job, or when the time is over, or when the signal fires. */
  next(jobId: string, timeoutMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const followers = this.#followers.get(jobId) ?? new Set();
      const wake = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        followers.delete(wake);
        if (followers.size === 0) this.#followers.delete(jobId);
        resolve();
      };
      const timer = setTimeout(wake, timeoutMs);
      this.#followers.set(jobId, followers.add(wake));
      signal.addEventListener('abort', wake);
      if (signal.aborted) wake();
    });
  }
}
