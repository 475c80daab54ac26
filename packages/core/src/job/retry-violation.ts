import type { JobDocument } from './document.ts';
import { ERROR_CLASSES, isErrorClass } from './error-class.ts';
import { LONGEST_RETRY_DELAY_SECONDS, RETRY_JITTERS, RETRY_POLICIES } from './retry-policy.ts';
import { invalidField, type Violation } from './violation.ts';

/** The first rule of `execution.retry` that a document breaks. */
export function retryViolation({ execution: { retry = {} } }: JobDocument): Violation | undefined {
  const { delay_seconds: delay = 0, max_delay_seconds: cap } = retry;
  return (
    unlessOneOf('policy', retry.policy, RETRY_POLICIES) ??
    unlessShort('delay_seconds', delay) ??
    unlessShort('max_delay_seconds', cap ?? 0) ??
    (cap !== undefined && delay > cap
      ? violation('delay_seconds', `${delay} is more than max_delay_seconds ${cap}`)
      : undefined) ??
    unlessOneOf('jitter', retry.jitter, RETRY_JITTERS) ??
    unlessClasses(retry.retry_on)
  );
}

function unlessOneOf(member: string, value: string | undefined, known: readonly string[]): Violation | undefined {
  if (value === undefined || known.includes(value)) return undefined;
  return violation(member, `must be one of [${known.join(', ')}], got '${value}'`);
}

function unlessShort(member: string, seconds: number): Violation | undefined {
  if (seconds <= LONGEST_RETRY_DELAY_SECONDS) return undefined;
  return violation(member, `must be at most ${LONGEST_RETRY_DELAY_SECONDS} (a week), got ${seconds}`);
}

function unlessClasses(names: readonly string[] | undefined): Violation | undefined {
  const unknown = names?.find((name) => !isErrorClass(name));
  if (unknown === undefined) return undefined;
  return violation('retry_on', `must be of [${Object.keys(ERROR_CLASSES).join(', ')}], got '${unknown}'`);
}

function violation(member: string, reason: string): Violation {
  return invalidField(`execution.retry.${member}`, reason);
}
