import type { DiskErrorKind } from '@guestkit/disk';
import { printable } from '@guestkit/operations/report/printable';
import type { ErrorFacts } from '../error-facts.ts';

const MAX_TEXT_CHARACTERS = 2000;

const KINDS: Readonly<Record<DiskErrorKind, true>> = {
  io: true,
  corrupt: true,
  unsupported: true,
  encrypted: true,
  denied: true,
  'not-found': true,
};

/** The facts in what a jail sent, which may be anything. */
export function readErrorFacts(value: unknown): ErrorFacts {
  const { name, message, kind, format, offset, path } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return {
    name: isText(name) ? clean(name) : 'Error',
    message: isText(message) ? clean(message) : 'The operation failed without saying why',
    ...(isKind(kind) && { kind }),
    ...(isText(format) && { format: clean(format) }),
    ...(Number.isSafeInteger(offset) && { offset: offset as number }),
    ...(isText(path) && { path: clean(path) }),
  };
}

function isKind(value: unknown): value is DiskErrorKind {
  return isText(value) && Object.hasOwn(KINDS, value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** Errors quote what images say, so whatever could steer a terminal or a reader of logs goes. */
function clean(text: string): string {
  return printable(text.slice(0, MAX_TEXT_CHARACTERS));
}
