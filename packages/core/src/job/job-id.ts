import { randomInt } from 'node:crypto';
import { monotonicFactory } from 'ulid';

// safe as a file name, in a URL path and in a Redis key
const JOB_ID = /^[A-Za-z0-9._~-]{8,128}$/;
const ONLY_DOTS = /^\.+$/;

// from a pool of random bytes: the library's own source asks the system for each letter, which costs more than parsing the document
const RANGE = 2 ** 32;
const nextUlid = monotonicFactory(() => randomInt(RANGE) / RANGE);

/** Makes up an id for a job posted without one; those of one process sort by age. */
export function newJobId(): string {
  return `job-${nextUlid()}`;
}

/** The same for an operation on many jobs. */
export function newBulkId(): string {
  return `bulk-${nextUlid()}`;
}

export function isJobId(text: string): boolean {
  return JOB_ID.test(text) && !ONLY_DOTS.test(text);
}
