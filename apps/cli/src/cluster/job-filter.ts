import type { Labels } from './guestkit-worker.ts';

/** Options of commands that are about jobs found by a filter. */
export interface FilterOptions {
  readonly status?: readonly string[];
  readonly operation?: readonly string[];
  readonly label?: Labels;
  readonly pool?: readonly string[];
  readonly worker?: readonly string[];
  readonly error?: readonly string[];
  readonly payload?: readonly string[];
  readonly nameContains?: string;
  readonly since?: string;
  readonly until?: string;
  readonly startedSince?: string;
  readonly startedUntil?: string;
  readonly completedSince?: string;
  readonly completedUntil?: string;
  readonly archived?: true;
  /** Milliseconds since their end. */
  readonly olderThan?: number;
}

type Filter = Readonly<Record<string, string | readonly string[]>>;

/** As the API takes it, in a query or a body; what is not given is left out. */
export function filterOf(options: FilterOptions, nowMs = Date.now()): Filter {
  const { status, operation, label, pool, worker, error, payload, nameContains, since, until } = options;
  const given = {
    ...{ status, operation, pool, worker, error, payload, name: nameContains },
    label: label && labelPairs(label),
    ...{ submitted_since: since, submitted_until: until, archived: options.archived && 'true' },
    ...{ started_since: options.startedSince, started_until: options.startedUntil },
    completed_since: options.completedSince,
    completed_until:
      options.olderThan === undefined ? options.completedUntil : new Date(nowMs - options.olderThan).toISOString(),
  };
  return Object.fromEntries(Object.entries(given).flatMap(([name, value]) => (value ? [[name, value]] : [])));
}

/** As the API takes labels to look for. */
export function labelPairs(labels: Labels): readonly string[] {
  return Object.entries(labels).map(([key, value]) => `${key}=${value}`);
}
