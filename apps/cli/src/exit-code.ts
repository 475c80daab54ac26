import type { DiskErrorKind } from '@guestkit/disk';

/** What both commands end with; docs/cli.md shows the same table. */
export const EXIT_CODES = {
  ok: 0,
  unexpected: 1,
  usage: 2,
  'not-found': 3,
  corrupt: 4,
  unsupported: 5,
  encrypted: 6,
  denied: 7,
  io: 8,
  mismatch: 9,
  'job-failed': 10,
  'job-timeout': 11,
  'job-cancelled': 12,
  unreachable: 13,
  refused: 14,
  unhealthy: 15,
} as const satisfies Record<DiskErrorKind, number> & Record<string, number>;

export type Ending = keyof typeof EXIT_CODES;

/** A command could not do what it was asked, for a reason that has its own exit code. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly ending: Ending;
  /** Shown with `--verbose`. */
  readonly details: unknown;

  constructor(ending: Ending, message: string, more: { readonly cause?: unknown; readonly details?: unknown } = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.ending = ending;
    this.details = more.details;
  }
}

/** Unknown errors end in 1: they are bugs of ours. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommandError) return EXIT_CODES[error.ending];
  if (isConfigError(error)) return EXIT_CODES.usage;
  return isDiskError(error) ? EXIT_CODES[error.kind] : EXIT_CODES.unexpected;
}

export interface DiskErrorFacts extends Error {
  readonly kind: DiskErrorKind;
  readonly format?: string;
  readonly offset?: number;
  readonly path?: string;
}

/** By name, so that the commands of the cluster need not load the disk engine. */
export function isDiskError(error: unknown): error is DiskErrorFacts {
  return error instanceof Error && error.name === 'DiskError' && 'kind' in error && String(error.kind) in EXIT_CODES;
}

/** By name, so that only the commands that read a configuration load what reads it. */
export function isConfigError(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ConfigError';
}
