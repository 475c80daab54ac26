/** That a job is to end. */
export interface CancelIntent {
  readonly tenant: string;
  readonly jobId: string;
  readonly reason: string;
}

/**
 * Carries the wish that jobs end to the workers that may have them. History keeps the wish itself: what is lost here is told again from
 * there.
 */
export interface CancelIntents {
  /** Tells all workers. Those that hear it later, because they start or reconnect, hear it all the same. */
  tell(intents: readonly CancelIntent[]): Promise<void>;
  /** For jobs that have ended. */
  withdraw(intents: readonly Pick<CancelIntent, 'tenant' | 'jobId'>[]): Promise<void>;
  list(): Promise<readonly CancelIntent[]>;
  /** Keeps a copy up to date, so that nobody need ask for every job. Resolves when it is complete. */
  watch(onError: (error: Error) => void): Promise<CancelWatch & AsyncDisposable>;
}

/** What a worker knows of the jobs that are to end. */
export interface CancelWatch {
  /** Why a job is to end; `undefined` when it is not. */
  reasonFor(tenant: string, jobId: string): string | undefined;
  /** Calls back when a job is to end, at once if that is known already, until disposed of. */
  follow(tenant: string, jobId: string, onCancel: (reason: string) => void): Disposable;
}
