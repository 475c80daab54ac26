import { ERROR_CLASSES, type ErrorClass, isErrorClass } from '../job/error-class.ts';
import {
  DEFAULT_RETRY_POLICY,
  LONGEST_RETRY_DELAY_SECONDS,
  RETRY_JITTERS,
  RETRY_POLICIES,
  type RetryPolicy,
} from '../job/retry-policy.ts';
import { demand } from './schema.ts';

/** How jobs are retried where their documents do not say. */
export interface RetrySettings {
  /** By operation. */
  readonly operations: ReadonlyMap<string, RetryPolicy>;
  readonly others: RetryPolicy;
}

const OTHERS = '*';

/** Reads settings like `guestkit.inspect=exponential:1s:60s:full:io+timeout`; `*` is for every operation that is not named. */
export function readRetrySettings(settings: readonly string[]): RetrySettings {
  const policies = new Map(settings.map(readRetrySetting));
  const others = policies.get(OTHERS) ?? DEFAULT_RETRY_POLICY;
  policies.delete(OTHERS);
  return Object.freeze({ operations: policies, others });
}

function readRetrySetting(setting: string): readonly [operation: string, policy: RetryPolicy] {
  const at = setting.indexOf('=');
  demand(at > 0, `must be like guestkit.inspect=exponential:1s:60s, got "${setting}"`);
  const [policy, delay, cap, jitter, classes, ...rest] = setting.slice(at + 1).split(':');
  demand(rest.length === 0, `must have at most five parts after the operation, got "${setting}"`);
  const delayMs = delay === undefined ? DEFAULT_RETRY_POLICY.delayMs : millisecondsOf(delay);
  const maxDelayMs = cap === undefined ? Math.max(delayMs, DEFAULT_RETRY_POLICY.maxDelayMs) : millisecondsOf(cap);
  demand(delayMs <= maxDelayMs, `must not have a delay beyond its cap, got "${setting}"`);
  return [
    setting.slice(0, at),
    Object.freeze({
      policy: oneOf(RETRY_POLICIES, policy ?? ''),
      ...{ delayMs, maxDelayMs },
      jitter: jitter === undefined ? DEFAULT_RETRY_POLICY.jitter : oneOf(RETRY_JITTERS, jitter),
      ...(classes !== undefined && { retryOn: classesOf(classes) }),
    }),
  ];
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

function millisecondsOf(written: string): number {
  const [, digits, unit = ''] = /^(\d{1,9})(ms|s|m|h)$/.exec(written) ?? [];
  demand(digits !== undefined, `must have durations like 500ms, 5s, 2m or 1h, got "${written}"`);
  const delayMs = Number(digits) * (UNITS_MS[unit] ?? 0);
  demand(delayMs <= LONGEST_RETRY_DELAY_SECONDS * 1000, `must not wait for longer than a week, got "${written}"`);
  return delayMs;
}

function oneOf<const Names extends readonly string[]>(names: Names, written: string): Names[number] {
  const name = names.find((candidate) => candidate === written);
  if (name === undefined) throw new RangeError(`must have one of ${names.join(', ')}, got "${written}"`);
  return name;
}

function classesOf(written: string): readonly ErrorClass[] {
  const names = written.split('+');
  const unknown = names.find((name) => !isErrorClass(name));
  demand(unknown === undefined, `must name classes of ${Object.keys(ERROR_CLASSES).join(', ')}, got "${unknown}"`);
  return names.filter(isErrorClass);
}
