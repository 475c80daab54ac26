import { DiskError } from '@guestkit/disk';

/** The answer of a step, or a fallback where the image spoils it. Errors of the world and our own rise. */
export function orElse<T>(fallback: T, step: () => T): T {
  try {
    return step();
  } catch (error) {
    reasonOf(error);
    return fallback;
  }
}

/** Why the image spoilt a step. Errors of the world and our own are thrown again. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof DiskError) || error.kind === 'io' || error.kind === 'denied') throw error;
  return error.message;
}
