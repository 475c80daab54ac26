/** The descriptor by which a service notices that the process which keeps it is gone. */
export const LIFELINE_FD = 3;
