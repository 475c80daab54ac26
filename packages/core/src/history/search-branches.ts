import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { JOB_STATES, type JobState } from '../job/state.ts';
import type { JobFilter, JobSort } from './job-search.ts';
import type { Position } from './position.ts';
import {
  COMPLETED,
  type Condition,
  HAS_ENDED,
  isIn,
  LIVE_STATES,
  rangeTest,
  type Source,
  STARTED,
} from './search-conditions.ts';
import { isBeyond, type Order } from './search-order.ts';
import { asJobs, type SearchTables } from './search-tables.ts';

/** The index of states goes by submission. */
export function goesByState({ by }: JobSort): boolean {
  return by === 'submitted_at' || by === 'status';
}

/** A filter, what it demands, and a source that knows few jobs. */
export interface Search {
  readonly filter: JobFilter;
  readonly tables: SearchTables;
  readonly conditions: readonly Condition[];
  readonly few: Source | undefined;
}

/** Rows that are searched together. */
export interface Branch {
  /** Which rows; where no source knows them, an index goes by this. */
  readonly where: RawBuilder<SqlBool>;
  /** What is demanded of each row beyond that. */
  readonly tests: readonly RawBuilder<SqlBool>[];
  readonly source?: Source;
  /** Whether an index has them in the order of the page. */
  readonly isInOrder: boolean;
  /** The state of all rows, where it is one. */
  readonly status?: JobState;
}

/** Each state has its rows by submission. Those that have ended, all states together, are in order for every other sort. */
export function branchesOf(search: Search, sort: JobSort): readonly Branch[] {
  const { by } = sort;
  const { filter, conditions, few } = search;
  const tests = conditions.map(({ test }) => test);
  const ofTenant = sql<SqlBool>`jobs.tenant = ${filter.tenant}`;
  const states = statesOf(filter);
  const inState = isIn(sql`jobs.status`, states);
  const isInOrder = goesByState(sort);
  const ofState = (status: JobState): Branch => {
    const where = sql<SqlBool>`${ofTenant} and jobs.status = ${status}`;
    return { where: bounded(where, filter, by), tests, status, isInOrder };
  };
  if (few?.covers === 'all') return [{ where: ofTenant, tests: [inState, ...tests], source: few, isInOrder: false }];
  if (isInOrder && few === undefined) return states.map(ofState);
  const live = states.filter((state) => LIVE_STATES.includes(state)).map(ofState);
  if (live.length === states.length) return live;
  const ended = {
    where: bounded(sql`${ofTenant} and ${HAS_ENDED}`, filter, by),
    tests: filter.status === undefined ? tests : [inState, ...tests],
  };
  return [few === undefined ? { ...ended, isInOrder: true } : { ...ended, source: few, isInOrder: false }, ...live];
}

/** States that jobs of the filter can be in. */
export function statesOf({ status = JOB_STATES, archived, completed, worker }: JobFilter): readonly JobState[] {
  const mayBeLive = !archived && completed === undefined;
  return status.filter((state) => {
    if (state === 'pending' && worker !== undefined) return false;
    return mayBeLive || !LIVE_STATES.includes(state);
  });
}

/** Where the index of the sort begins and ends, as far as the filter says so. */
function bounded(where: RawBuilder<SqlBool>, filter: JobFilter, by: JobSort['by']): RawBuilder<SqlBool> {
  const bounds: Partial<Record<JobSort['by'], RawBuilder<SqlBool> | undefined>> = {
    submitted_at: filter.submitted && rangeTest(sql`jobs.submitted_at`, filter.submitted),
    status: filter.submitted && rangeTest(sql`jobs.submitted_at`, filter.submitted),
    started_at: filter.started && rangeTest(STARTED, filter.started),
    completed_at: filter.completed && rangeTest(COMPLETED, filter.completed),
  };
  const bound = bounds[by];
  return bound === undefined ? where : sql`${where} and ${bound}`;
}

/** One query: the rows of a branch from some position on. */
export interface Step {
  readonly branch: Branch;
  readonly where: RawBuilder<SqlBool>;
  /** Rows that may be looked at; without a bound, each of them is one of the page. */
  readonly maxLookedAt: number | undefined;
  /** Whether all rows have the same key: an index has them by id, and a database does not always see that this is the order. */
  readonly isTie?: boolean;
}

/** So that an index is entered at the position: first among rows of the same key, then at the next one. */
export function stepsOf(
  branch: Branch,
  order: Order,
  after: Position | undefined,
  maxLookedAt: number,
): readonly Step[] {
  const bound = branch.isInOrder && branch.tests.length > 0 ? maxLookedAt : undefined;
  const step = (where: RawBuilder<SqlBool>, isTie = false): Step => ({ branch, where, maxLookedAt: bound, isTie });
  if (after === undefined) return [step(branch.where)];
  if (!branch.isInOrder) return [step(sql`${branch.where} and ${isBeyond(order, after)}`)];
  const { key, beyond, sort } = order;
  if (sort.by === 'status' && branch.status !== after.rank) {
    const isAhead = (branch.status ?? '') > after.rank !== sort.descending;
    return isAhead ? [step(branch.where)] : [];
  }
  return [
    step(sql`${branch.where} and ${key} = ${after.key} and jobs.id ${beyond} ${after.id}`, true),
    step(sql`${branch.where} and ${key} ${beyond} ${after.key}`),
  ];
}

/** The first positions of a step, in order. */
export function positionsOf(step: Step, order: Order, tables: SearchTables, limit: number): RawBuilder<unknown> {
  const { branch, where, maxLookedAt } = step;
  const { position } = order;
  const inOrder = orderBy(step, order);
  const tests = allOf(branch.tests);
  if (branch.source) return positionsOfFew(step, branch.source, { order, tables, limit });
  if (maxLookedAt === undefined) {
    return sql`select ${position} from ${asJobs(tables)} where ${where} and ${tests} ${inOrder} limit ${sql.lit(limit)}`;
  }
  // the rows come in the order of the inner query, and the outer one stops as soon as it has enough
  return sql`
    select ${position} from (
      select ${TESTED_COLUMNS} from ${asJobs(tables)} where ${where} ${inOrder} limit ${sql.lit(maxLookedAt)}
    ) as jobs where ${tests} limit ${sql.lit(limit)}`;
}

function orderBy({ isTie }: Step, { key, direction }: Order): RawBuilder<unknown> {
  return isTie ? sql`order by jobs.id ${direction}` : sql`order by ${key} ${direction}, jobs.id ${direction}`;
}

/** Where a bounded step had to stop, if it had to before the last row of the page. */
export function stopOf(
  step: Step,
  order: Order,
  tables: SearchTables,
  last: Position | undefined,
): RawBuilder<unknown> {
  const { sort, key, position } = order;
  const isOfInterest = last === undefined || sort.by === 'status';
  const untilLast = isOfInterest ? sql`1 = 1` : sql`${key} ${sort.descending ? sql`>=` : sql`<=`} ${last.key}`;
  return sql`
    select ${position} from ${asJobs(tables)} where ${step.where} and ${untilLast}
    ${orderBy(step, order)} limit 1 offset ${sql.lit((step.maxLookedAt ?? 1) - 1)}`;
}

/** All that tests and positions are made of. */
export const TESTED_COLUMNS = sql.join(
  [
    ...['id', 'tenant', 'status', 'pool', 'operation', 'name', 'priority', 'worker_id', 'error_code', 'duration_ms'],
    ...['submitted_at', 'started_at', 'completed_at'],
  ].map((column) => sql.ref(`jobs.${column}`)),
);

interface FewQuestion {
  readonly order: Order;
  readonly tables: SearchTables;
  readonly limit: number;
}

/** What is few is looked up as a whole: a database that guesses otherwise would follow an index past millions. */
function positionsOfFew(step: Step, source: Source, { order, tables, limit }: FewQuestion): RawBuilder<unknown> {
  const { position, direction } = order;
  return sql`
    with few as materialized (${source.ids}),
    found as materialized (
      select ${position} from few inner join ${asJobs(tables)} on jobs.id = few.id
      where ${step.where} and ${allOf(step.branch.tests)}
    )
    select id, key, rank from found
    order by rank ${direction}, key ${direction}, id ${direction} limit ${sql.lit(limit)}`;
}

export function allOf(tests: readonly RawBuilder<SqlBool>[]): RawBuilder<SqlBool> {
  return tests.length === 0 ? sql`1 = 1` : sql.join(tests, sql` and `);
}
