/** States of a job as clients see them (protocol section 6). */
export const JOB_STATES = ['pending', 'assigned', 'running', 'completed', 'failed', 'cancelled', 'timeout'] as const;
export type JobState = (typeof JOB_STATES)[number];
