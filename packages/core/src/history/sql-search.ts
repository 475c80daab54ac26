import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { JobRecord } from './job-history.ts';
import type { BoundedCount, JobFilter, JobPage, JobPageRequest, JobSort, StatusCounts } from './job-search.ts';
import { formatPosition, type Position, parsePosition } from './position.ts';
import { JOB_COLUMNS, toJobRecord } from './rows.ts';
import type { HistorySchema } from './schema.ts';
import {
  allOf,
  type Branch,
  branchesOf,
  goesByState,
  positionsOf,
  type Search,
  type Step,
  statesOf,
  stepsOf,
  stopOf,
  TESTED_COLUMNS,
} from './search-branches.ts';
import { conditionsOf, type Source, stateSources } from './search-conditions.ts';
import { isBefore, type Order, orderOf } from './search-order.ts';
import { ARCHIVE, asJobs, JOBS_AT_HAND } from './search-tables.ts';
import type { SqlFlavour } from './sql-flavour.ts';

// Jobs are found in one of two ways, whichever looks at fewer rows. When one demand of the filter lets few jobs through, those are looked
// up and sorted. Otherwise an index is followed in the order of the page, and rows that do not match are passed over: many match, or the
// way ends after a bounded number of rows, and the next page goes on from there.

type Database = Kysely<HistorySchema>;

export interface SearchBounds {
  /** So few jobs are quickly looked up and sorted. */
  readonly few: number;
  /** So few are looked up for being counted. */
  readonly fewToCount: number;
  /** Rows of all branches that are looked at for a page or a count. */
  readonly maxLookedAt: number;
}

export const SEARCH_BOUNDS: SearchBounds = { few: 5_000, fewToCount: 25_000, maxLookedAt: 20_000 };

/** What searches are done with. */
export interface SearchParts {
  readonly db: Database;
  readonly flavour: SqlFlavour;
  readonly bounds: SearchBounds;
}

const NEWEST_FIRST: JobSort = { by: 'submitted_at', descending: true };

export async function listJobs(
  parts: SearchParts,
  filter: JobFilter,
  { limit, sort = NEWEST_FIRST, cursor }: JobPageRequest,
): Promise<JobPage> {
  const after = cursor === undefined ? undefined : parsePosition(cursor, filter, sort);
  const { search } = await planSearch(parts, filter, { few: parts.bounds.few, sort });
  const { positions, next } = await findPositions(parts, search, { order: orderOf(sort), after, limit });
  return {
    jobs: await readJobs(parts, search, positions),
    nextCursor: next === undefined ? null : formatPosition(next, filter, sort),
  };
}

export async function countJobs(parts: SearchParts, filter: JobFilter): Promise<number> {
  const { search } = await planSearch(parts, filter, { few: parts.bounds.fewToCount, sort: NEWEST_FIRST });
  const counts = await countBranches(parts, search, Number.MAX_SAFE_INTEGER);
  return counts.jobs;
}

export async function countSome(parts: SearchParts, filter: JobFilter): Promise<BoundedCount> {
  const { search, known } = await planSearch(parts, filter, { few: parts.bounds.fewToCount, sort: NEWEST_FIRST });
  const isKnown = search.few === undefined && search.conditions.length === 1 && filter.status === undefined;
  if (isKnown && known > 0) return { jobs: known, isExact: false };
  return countBranches(parts, search);
}

export async function countByStatus(parts: SearchParts, filter: JobFilter): Promise<StatusCounts> {
  const { search } = await planSearch(parts, filter, { few: parts.bounds.fewToCount, sort: NEWEST_FIRST });
  const counts = [];
  for (const status of statesOf(filter)) {
    const ofState = { ...search, filter: { ...filter, status: [status] } };
    counts.push([status, await countBranches(parts, ofState)]);
  }
  return Object.fromEntries(counts);
}

interface Plan {
  readonly search: Search;
  /** So many jobs meet one of the demands, at least. */
  readonly known: number;
}

interface PlanOptions {
  readonly few: number;
  readonly sort: JobSort;
}

/** Asks how many jobs each demand lets through, but not further than to a few. */
async function planSearch({ db, flavour }: SearchParts, filter: JobFilter, { few, sort }: PlanOptions): Promise<Plan> {
  const tables = filter.archived ? ARCHIVE : JOBS_AT_HAND;
  const conditions = conditionsOf(filter, tables, flavour);
  const bySource = conditions.flatMap(({ source }) => (source?.isLazy ? [source] : []));
  const sources = goesByState(sort) ? bySource : [...bySource, ...stateSources(filter, tables)];
  const counts = await countSources(db, sources, few);
  const fewest = Math.min(...counts);
  const source = fewest < few ? sources[counts.indexOf(fewest)] : undefined;
  return { search: { filter, tables, conditions, few: source }, known: sources.length === 0 ? 0 : fewest };
}

async function countSources(db: Database, sources: readonly Source[], most: number): Promise<readonly number[]> {
  if (sources.length === 0) return [];
  const counts = sources.map(
    ({ ids }, index) => sql`(select count(*) from (${ids} limit ${sql.lit(most)}) as few) as ${sql.ref(`n${index}`)}`,
  );
  const { rows } = await sql<Record<string, number>>`select ${sql.join(counts)}`.execute(db);
  return sources.map((_, index) => Number(rows[0]?.[`n${index}`]));
}

interface Question {
  readonly order: Order;
  readonly after: Position | undefined;
  readonly limit: number;
}

interface Findings {
  readonly positions: readonly Position[];
  /** Where the next page goes on. */
  readonly next: Position | undefined;
}

async function findPositions(parts: SearchParts, search: Search, question: Question): Promise<Findings> {
  const { order, after, limit } = question;
  const branches = branchesOf(search, order.sort);
  const maxLookedAt = Math.ceil(parts.bounds.maxLookedAt / branches.length);
  const steps = branches.flatMap((branch) => stepsOf(branch, order, after, maxLookedAt));
  // one more than asked for tells whether this is the last page
  const rows = await readPositions(
    parts.db,
    steps.map((step) => positionsOf(step, order, search.tables, limit + 1)),
    order,
    limit + 1,
  );
  const stop = await findStop(parts.db, search, { steps, order, last: rows[limit] });
  if (stop !== undefined) {
    const source = await findNameSource(parts, search);
    if (source) return findPositions(parts, { ...search, few: source }, question);
  }
  const reached = stop === undefined ? rows : rows.filter((row) => !isBefore(stop, row, order.sort));
  const positions = reached.slice(0, limit);
  return { positions, next: reached.length > limit ? positions.at(-1) : stop };
}

async function readPositions(
  db: Database,
  queries: readonly RawBuilder<unknown>[],
  { direction }: Order,
  limit: number,
): Promise<readonly Position[]> {
  if (queries.length === 0) return [];
  const parts = queries.map((query) => sql`select id, key, rank from (${query}) as part`);
  const { rows } = await sql<Position>`
    select id, key, rank from (${sql.join(parts, sql` union all `)}) as parts
    order by rank ${direction}, key ${direction}, id ${direction} limit ${sql.lit(limit)}`.execute(db);
  return rows;
}

/** The first position at which a step had to stop, where that is before the last row of the page. */
async function findStop(
  db: Database,
  { tables }: Search,
  {
    steps,
    order,
    last,
  }: { readonly steps: readonly Step[]; readonly order: Order; readonly last: Position | undefined },
): Promise<Position | undefined> {
  const stops = steps.flatMap((step) => (step.maxLookedAt === undefined ? [] : [stopOf(step, order, tables, last)]));
  const [first] = await readPositions(db, stops, order, 1);
  return first && (last === undefined || isBefore(first, last, order.sort)) ? first : undefined;
}

/** An index of names is asked only when there is no quicker way: what it finds is costly to count. */
async function findNameSource({ db, bounds }: SearchParts, { conditions, few }: Search): Promise<Source | undefined> {
  const source = conditions.find((condition) => condition.source?.isLazy === false)?.source;
  if (source === undefined || few !== undefined) return undefined;
  const [jobs = 0] = await countSources(db, [source], bounds.few);
  return jobs < bounds.few ? source : undefined;
}

async function readJobs(
  { db }: SearchParts,
  { tables }: Search,
  positions: readonly Position[],
): Promise<readonly JobRecord[]> {
  if (positions.length === 0) return [];
  const ids = positions.map(({ id }) => id);
  const rows =
    tables === ARCHIVE
      ? await db.selectFrom('archived_jobs').select(JOB_COLUMNS).select('archived_at').where('id', 'in', ids).execute()
      : await db.selectFrom('jobs').select(JOB_COLUMNS).where('id', 'in', ids).execute();
  const byId = new Map(rows.map((row) => [row.id, toJobRecord(row)]));
  // one that was moved to the archive meanwhile is no longer among them
  return ids.flatMap((id) => byId.get(id) ?? []);
}

async function countBranches(
  { db, bounds }: SearchParts,
  search: Search,
  maxLookedAt = bounds.maxLookedAt,
): Promise<BoundedCount> {
  const branches = branchesOf(search, NEWEST_FIRST);
  const most = Math.ceil(maxLookedAt / Math.max(1, branches.length));
  let jobs = 0;
  let isExact = true;
  for (const branch of branches) {
    const count = await countBranch(db, search, branch, most);
    jobs += count.jobs;
    isExact &&= count.isExact;
  }
  return { jobs, isExact };
}

async function countBranch(db: Database, { tables }: Search, branch: Branch, most: number): Promise<BoundedCount> {
  const { source, where, tests } = branch;
  const columns = tests.length === 0 ? sql`jobs.id` : TESTED_COLUMNS;
  const rowsOf = source
    ? sql`select ${columns} from (${source.ids}) as few inner join ${asJobs(tables)} on jobs.id = few.id where ${where}`
    : sql`select ${columns} from ${asJobs(tables)} where ${where} limit ${sql.lit(most)}`;
  const { rows } = await sql<{ jobs: number; rows: number }>`
    select count(case when ${allOf(tests)} then 1 end) as jobs, count(*) as rows from (${rowsOf}) as jobs`.execute(db);
  const [count = { jobs: 0, rows: 0 }] = rows;
  return { jobs: Number(count.jobs), isExact: source !== undefined || Number(count.rows) < most };
}
