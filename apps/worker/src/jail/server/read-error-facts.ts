import type { DiskErrorKind } from '@guestkit/disk';
import type { ErrorFacts } from '../error-facts.ts';
import { cleanText } from './foreign-text.ts';

const KINDS: Readonly<Record<DiskErrorKind, true>> = {
  io: true,
  corrupt: true,
  mismatch: true,
  unsupported: true,
  encrypted: true,
  denied: true,
  'not-found': true,
};

/** The facts in what a jail sent, which may be anything. */
export function readErrorFacts(value: unknown): ErrorFacts {
  const { name, message, kind, format, offset, path } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return {
    name: isText(name) ? cleanText(name) : 'Error',
    message: isText(message) ? cleanText(message) : 'The operation failed without saying why',
    ...(isKind(kind) && { kind }),
    ...(isText(format) && { format: cleanText(format) }),
    ...(Number.isSafeInteger(offset) && { offset: offset as number }),
    ...(isText(path) && { path: cleanText(path) }),
  };
}

function isKind(value: unknown): value is DiskErrorKind {
  return isText(value) && Object.hasOwn(KINDS, value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
