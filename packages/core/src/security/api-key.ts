import { createHash, timingSafeEqual } from 'node:crypto';

/** Compares keys in a time that tells nothing of either, not even the length. */
export function isSameKey(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
