import { createHash, timingSafeEqual } from 'node:crypto';

/** Compares keys in a time that tells nothing of either, not even the length. */
export function isSameKey(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

const FINGERPRINT_DIGITS = 12;

/** Tells keys apart without telling what they are. */
export function fingerprintOf(key: string): string {
  return digest(key).toString('hex').slice(0, FINGERPRINT_DIGITS);
}
