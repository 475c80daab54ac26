import { ulid } from 'ulid';

// safe as a file name, in a URL path and in a Redis key
const JOB_ID = /^[A-Za-z0-9._~-]{8,128}$/;
const ONLY_DOTS = /^\.+$/;

/** Makes up an id for a job posted without one. */
export function newJobId(): string {
  return `job-${ulid()}`;
}

export function isJobId(text: string): boolean {
  return JOB_ID.test(text) && !ONLY_DOTS.test(text);
}
