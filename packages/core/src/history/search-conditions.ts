import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { isFinal, JOB_STATES, type JobState } from '../job/state.ts';
import { labelFacet, payloadFacet } from './facets.ts';
import type { JobFilter, TimeRange } from './job-search.ts';
import { asJobs, type SearchTables } from './search-tables.ts';
import type { SqlFlavour } from './sql-flavour.ts';

/** One demand of a filter. */
export interface Condition {
  /** Whether a row of `jobs` meets it. */
  readonly test: RawBuilder<SqlBool>;
  /** A quick way to the rows that meet it, where there is one. */
  readonly source?: Source;
}

/** A query for ids. */
export interface Source {
  readonly ids: RawBuilder<unknown>;
  /** Whether it knows jobs that have not ended, too. */
  readonly covers: 'all' | 'ended';
  /** Whether the database can stop after some ids; it is asked last otherwise. */
  readonly isLazy: boolean;
}

/** What a filter demands beyond the tenant and the states. */
export function conditionsOf(filter: JobFilter, tables: SearchTables, flavour: SqlFlavour): readonly Condition[] {
  const { tenant, labels = {}, payload = [], name } = filter;
  const facets = [
    ...Object.entries(labels).map(([key, value]) => labelFacet(tenant, key, value)),
    ...payload.map(({ path, value }) => payloadFacet(tenant, path, value)),
  ];
  const ended = (test: RawBuilder<SqlBool>): Source => ({
    ids: sql`select jobs.id from ${asJobs(tables)} where jobs.tenant = ${tenant} and ${HAS_ENDED} and ${test}`,
    covers: 'ended',
    isLazy: true,
  });
  return [
    ...facets.map((facet) => facetCondition(facet, tables)),
    ...columnConditions(filter).map(({ test, indexed }) => ({ test, source: ended(indexed) })),
    ...rangeConditions(filter, tables, ended),
    ...(name === undefined ? [] : [nameCondition(tenant, name, tables, flavour)]),
  ];
}

export const HAS_ENDED = sql<SqlBool>`jobs.completed_at is not null`;

/** Entries of an index are bounded, texts of clients are not. */
const PREFIX_LENGTH = 200;
export const PREFIX_OF_NAME = sql`substr(coalesce(jobs.name, ''), 1, ${sql.lit(PREFIX_LENGTH)})`;
export const PREFIX_OF_OPERATION = sql`substr(jobs.operation, 1, ${sql.lit(PREFIX_LENGTH)})`;
const PREFIX_OF_WORKER = sql`substr(jobs.worker_id, 1, ${sql.lit(PREFIX_LENGTH)})`;

function facetCondition(facet: number, tables: SearchTables): Condition {
  const facets = sql.table(tables.facets);
  return {
    test: sql`exists (select 1 from ${facets} as facets where facets.facet = ${facet} and facets.job = jobs.id)`,
    source: {
      ids: sql`select facets.job as id from ${facets} as facets where facets.facet = ${facet}`,
      covers: 'all',
      isLazy: true,
    },
  };
}

function columnConditions({ operation, worker, pool, errorCode }: JobFilter) {
  return [
    operation && bothOf(PREFIX_OF_OPERATION, sql`jobs.operation`, operation),
    worker && bothOf(PREFIX_OF_WORKER, sql`jobs.worker_id`, worker),
    pool && bothOf(sql`jobs.pool`, sql`jobs.pool`, pool),
    errorCode && bothOf(sql`jobs.error_code`, sql`jobs.error_code`, errorCode),
  ].filter((condition) => condition !== undefined);
}

/** The test of a column, and the same in the words of its index. */
function bothOf(prefix: RawBuilder<unknown>, column: RawBuilder<unknown>, values: readonly string[]) {
  const test = isIn(column, values);
  const prefixes = values.map((value) => [...value].slice(0, PREFIX_LENGTH).join(''));
  return { test, indexed: sql<SqlBool>`${isIn(prefix, prefixes)} and ${test}` };
}

export function isIn(what: RawBuilder<unknown>, values: readonly unknown[]): RawBuilder<SqlBool> {
  return values.length === 0 ? sql`1 = 0` : sql`${what} in (${sql.join(values)})`;
}

function rangeConditions(
  { tenant, submitted, started, completed }: JobFilter,
  tables: SearchTables,
  ended: (test: RawBuilder<SqlBool>) => Source,
): readonly Condition[] {
  const bySubmission = rangeTest(sql`jobs.submitted_at`, submitted);
  const submittedIds = sql`
    select jobs.id from ${asJobs(tables)} where jobs.tenant = ${tenant} and ${isIn(sql`jobs.status`, JOB_STATES)} and ${bySubmission}`;
  const byStart = rangeTest(STARTED, started);
  const byEnd = rangeTest(COMPLETED, completed);
  return [
    ...(submitted ? [{ test: bySubmission, source: { ids: submittedIds, covers: 'all' as const, isLazy: true } }] : []),
    ...(started ? [{ test: byStart, source: ended(byStart) }] : []),
    ...(completed ? [{ test: byEnd, source: ended(byEnd) }] : []),
  ];
}

export const STARTED = sql`coalesce(jobs.started_at, '')`;
export const COMPLETED = sql`coalesce(jobs.completed_at, '')`;

/** What has no time yet is in no range. */
export function rangeTest(time: RawBuilder<unknown>, { since = '0', until }: TimeRange = {}): RawBuilder<SqlBool> {
  const test = sql<SqlBool>`${time} >= ${since}`;
  return until === undefined ? test : sql`${test} and ${time} < ${until}`;
}

function nameCondition(tenant: string, text: string, tables: SearchTables, flavour: SqlFlavour): Condition {
  const test = flavour.contains(sql`jobs.name`, text);
  // an index of names has groups of three
  if (!/[a-z0-9]{3}/i.test(text)) return { test };
  const ids = flavour.idsByName(tables, tenant, text);
  return { test, source: { ids, covers: 'ended', isLazy: false } };
}

/** States are what branches are made of; they may be few, too. */
export function stateSources({ tenant, status }: JobFilter, tables: SearchTables): readonly Source[] {
  if (status === undefined) return [];
  const ids = sql`select jobs.id from ${asJobs(tables)} where jobs.tenant = ${tenant} and ${isIn(sql`jobs.status`, status)}`;
  return [{ ids, covers: 'all', isLazy: true }];
}

export const LIVE_STATES: readonly JobState[] = JOB_STATES.filter((state) => !isFinal(state));
