/** States of a job as clients see them (protocol section 6). */
export const JOB_STATES = ['pending', 'assigned', 'running', 'completed', 'failed', 'cancelled', 'timeout'] as const;
export type JobState = (typeof JOB_STATES)[number];
/** Those that do not move. */
export const FINAL_STATES = ['completed', 'failed', 'cancelled', 'timeout'] as const satisfies readonly JobState[];
export type FinalState = (typeof FINAL_STATES)[number];

/** Which state may follow which; drawn in docs/job-lifecycle.md. Final states do not move. */
export const JOB_MOVES: Readonly<Record<JobState, readonly JobState[]>> = {
  pending: ['assigned', 'failed', 'cancelled', 'timeout'],
  // back to pending: the attempt was released by a retry, a draining worker, or the loss of its worker
  assigned: ['running', 'pending', 'failed', 'cancelled', 'timeout'],
  running: ['completed', 'failed', 'cancelled', 'timeout', 'pending'],
  completed: [],
  failed: [],
  cancelled: [],
  timeout: [],
};

export function canMove(from: JobState, to: JobState): boolean {
  return JOB_MOVES[from].includes(to);
}

export function isFinal(state: JobState): state is FinalState {
  return JOB_MOVES[state].length === 0;
}
